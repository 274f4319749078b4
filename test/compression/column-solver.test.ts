import assert from "node:assert/strict";
import { before, it } from "node:test";
import { methodOf } from "../../compression/registry.js";
import { solveError } from "../../compression/solve-error.js";
import { secondMoment } from "../../compression/statistics.js";
import { loadBackend } from "../../tensor/backend.js";
import { everyMethod, settingsOf } from "./every-method.js";
import { collect, randomInputs, randomLayer } from "./random-layer.js";

before(loadBackend);

it("the error that follows from solving is that of the weights and the second moment", () => {
  const layer = randomLayer(24, 72, 1);
  const inputs = randomInputs(72, 2);
  // Dead inputs: their weights are taken to be 0.
  for (let i = 0; i < inputs.length; i += 72) inputs.fill(0, i + 30, i + 33);
  const statistics = collect(inputs, 72, "secondMoment");
  let known = 0;
  for (const json of everyMethod) {
    const settings = settingsOf(json);
    const method = methodOf(settings.method);
    if (method.statistics !== "secondMoment") continue;
    const [{ weight, error }] = method.compress([layer], statistics, settings);
    if (error === undefined) continue;
    const expected = solveError(layer, weight, secondMoment(statistics));
    // U is exact to float32 times the root of H's condition number (1e2 here).
    assert.ok(Math.abs(error / expected - 1) < 1e-5, `${JSON.stringify(json)}: ${error}, not ${expected}`);
    known++;
  }
  assert.ok(known >= 8);
});
