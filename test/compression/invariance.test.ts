import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { MethodSettings } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { everyMethod, settingsOf } from "./every-method.js";
import { always, differing, weightOf } from "./over-cases.js";

const everySettings = everyMethod.map(settingsOf);
const isNotSpqr = ({ method }: MethodSettings) => method !== "spqr";
const zeroesDead = ({ method }: MethodSettings) => method === "gptq" || method === "sparsegpt";

describe("what changes nothing, or changes weights alike", () => {
  before(loadBackend);

  it("weights of dead inputs become 0 with GPTQ and SparseGPT", () =>
    always(({ layer, inputs, dead }) => {
      for (const json of everySettings.filter(zeroesDead)) {
        const weight = weightOf({ layer, inputs, dead }, json);
        for (const column of dead) {
          for (let row = 0; row < layer.rows; row++) assert.equal(weight[row * layer.columns + column], 0);
        }
      }
    }));

  it("equal rows are compressed alike, but for SpQR, whose rows share statistics", () =>
    always((random) => {
      const { columns, rows, weight: given } = random.layer;
      given.copyWithin((rows - 1) * columns, 0, columns);
      for (const json of everySettings.filter(isNotSpqr)) {
        const weight = weightOf(random, json);
        const [first, last] = [weight.slice(0, columns), weight.slice((rows - 1) * columns)];
        assert.equal(differing(first, last), 0, JSON.stringify(json));
      }
    }));

  // Powers of two round nothing, so that every bit must be the same.
  it("weights that are twice as large are compressed to twice the values, but for SpQR, whose smallest grid is 1", () =>
    always((random) => {
      for (const json of everySettings.filter(isNotSpqr)) {
        const doubled = { ...random, layer: { ...random.layer, weight: random.layer.weight.map((w) => 2 * w) } };
        const expected = weightOf(random, json).map((weight) => 2 * weight);
        assert.deepEqual(weightOf(doubled, json), expected, JSON.stringify(json));
      }
    }));

  it("inputs that are all 2^12 times as large change no bit, unless dead ones count in the damping's mean", () =>
    always(
      (random) => {
        const larger = { ...random, inputs: random.inputs.map((x) => 2 ** 12 * x) };
        for (const json of everySettings) {
          assert.deepEqual(weightOf(larger, json), weightOf(random, json), JSON.stringify(json));
        }
      },
      { dead: false },
    ));
});
