import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import type { CompressedLayer } from "../../compression/method.js";
import { decodeLayer, encodeLayer } from "../../compression/stored-layer.js";
import { TouchstoneError } from "../../study/errors.js";
import type { MethodSettings } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { compressRandom, everyMethod, settingsOf } from "./every-method.js";
import { assertPattern } from "./over-cases.js";
import { type RandomCase, randomCases } from "./random-case.js";

/** Also far beyond what their squares have room for in float32. */
const SCALES = [1e-38, 1e-20, 1e-12, 1, 1e12, 1e20, 1e37] as const;
const extremeCases = randomCases({ weightScales: SCALES, inputScales: SCALES, sizePower: 12, repeatedRows: true });
const RUNS = { numRuns: 40, seed: 7 };

/** undefined: refused, by an error that names the layer. */
function attempt({ layer, inputs }: RandomCase, settings: MethodSettings): CompressedLayer | undefined {
  try {
    return compressRandom(layer, inputs, settings);
  } catch (error) {
    assert.ok(error instanceof TouchstoneError, String(error));
    assert.equal(error.type, "NumericalError");
    assert.match(error.message, /random\.weight/);
    return undefined;
  }
}

describe("weights and inputs of any size, dead inputs and repeated rows", () => {
  before(loadBackend);

  for (const json of everyMethod) {
    it(`${JSON.stringify(json)}: finite, stored without loss, or an error that names the layer`, () => {
      const settings = settingsOf(json);
      let compressed = 0;
      const check = (random: RandomCase) => {
        const result = attempt(random, settings);
        if (result === undefined) return;
        compressed++;
        const { rows, columns } = random.layer;
        assert.ok(result.weight.every(Number.isFinite));
        const bytes = encodeLayer(result, { name: "random.weight", rows, columns, settings, error: null });
        assert.deepEqual(decodeLayer(bytes, "stored"), result.weight);
        if ("pattern" in settings && settings.pattern !== undefined) assertPattern(result, settings.pattern);
      };
      fc.assert(fc.property(extremeCases, check), RUNS);
      // Not all may be refused: float32 holds the squares of four in seven of the inputs' sizes.
      assert.ok(compressed >= RUNS.numRuns / 4, `${compressed} of ${RUNS.numRuns}`);
    });
  }
});
