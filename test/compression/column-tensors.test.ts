import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { compressLayers } from "../../compression/compress-layers.js";
import type { Visits } from "../../compression/method.js";
import { methodOf } from "../../compression/registry.js";
import { decodeLayer, encodeLayer } from "../../compression/stored-layer.js";
import { TouchstoneError } from "../../study/errors.js";
import type { MethodSettings } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { everyMethod, settingsOf } from "./every-method.js";
import { assertPattern, differing, sampled } from "./over-cases.js";
import { type RandomCase, randomCases } from "./random-case.js";
import { collect, randomInputs, randomLayer } from "./random-layer.js";

const columnSettings: MethodSettings[] = [
  ...everyMethod.map(settingsOf).filter(({ method }) => methodOf(method).statistics === "secondMoment"),
  settingsOf({ method: "gptq", bits: 3, groupSize: 24, blockSize: 24, mse: true }),
];

/** Operations a column at the most, as docs/maintainers.md states them, in blocks of 128 with the default groups. */
const OPERATIONS = [
  [{ method: "gptq" }, 11.5],
  [{ method: "spqr" }, 23],
  [{ method: "sparsegpt" }, 9],
  [{ method: "sparsegpt", sparsity: 0.5 }, 5.5],
] as const;

function solve({ layer, inputs }: RandomCase, settings: MethodSettings, visits: Visits) {
  return compressLayers([layer], collect(inputs, layer.columns, "secondMoment"), settings, visits)[0];
}

/** What the backend does while a layer is solved as tensors. */
async function profile(settings: MethodSettings, columns: number) {
  const layer = randomLayer(8, columns, 1);
  const statistics = collect(randomInputs(columns, 2), columns, "secondMoment");
  const backend = tf.backend();
  const { readSync } = backend;
  let reads = 0;
  backend.readSync = (id) => {
    reads++;
    return readSync.call(backend, id);
  };
  try {
    const before = tf.memory().numTensors;
    const { kernels } = await tf.profile(() => {
      compressLayers([layer], statistics, settings, "tensors");
    });
    // Another name of a tensor runs nothing.
    const operations = kernels.filter(({ name }) => name !== "Identity").length;
    return { reads, operations, left: tf.memory().numTensors - before };
  } finally {
    backend.readSync = readSync;
  }
}

describe("columns visited as tensors", () => {
  before(loadBackend);

  for (const settings of columnSettings) {
    it(`become what the kernels make of them, within rounding: ${JSON.stringify(settings)}`, () => {
      let [apart, all] = [0, 0];
      for (const random of sampled({ repeatedRows: settings.method !== "spqr" }, 4)) {
        const [kernels, tensors] = [solve(random, settings, "kernels"), solve(random, settings, "tensors")];
        apart += differing(kernels.compressed.weight, tensors.compressed.weight);
        all += random.layer.weight.length;
      }
      // A tie that falls the other way changes what follows in its row, as against the references.
      assert.ok(apart <= 0.005 * all, `${apart} of ${all} differ`);
    });
  }

  for (const [json, most] of OPERATIONS) {
    it(`are read once a layer, in ${most} operations a column: ${JSON.stringify(json)}`, async () => {
      const [small, large] = [await profile(settingsOf(json), 128), await profile(settingsOf(json), 384)];
      assert.equal(large.reads, small.reads);
      assert.ok((large.operations - small.operations) / 256 <= most, `${large.operations}, ${small.operations}`);
      assert.deepEqual([small.left, large.left], [0, 0]);
    });
  }

  it("are finite and stored without loss, or refused, whatever the size of weights and inputs", () => {
    const scales = [1e-38, 1e-20, 1, 1e20, 1e37];
    const cases = randomCases({ weightScales: scales, inputScales: scales, sizePower: 12, repeatedRows: true });
    let compressed = 0;
    const check = (random: RandomCase, settings: MethodSettings) => {
      const result = attempt(random, settings);
      if (result === undefined) return;
      compressed++;
      assert.ok(result.weight.every(Number.isFinite));
      const { rows, columns } = random.layer;
      const bytes = encodeLayer(result, { name: "random.weight", rows, columns, settings, error: null });
      assert.deepEqual(decodeLayer(bytes, "stored"), result.weight);
      if ("pattern" in settings && settings.pattern !== undefined) assertPattern(result, settings.pattern);
    };
    fc.assert(fc.property(cases, fc.constantFrom(...columnSettings), check), { numRuns: 60, seed: 7 });
    // Float32 holds the squares of one in five of the inputs' sizes, or some of them.
    assert.ok(compressed >= 12, `${compressed} of 60`);
  });
});

/** undefined: refused, by an error that names the layer. */
function attempt(random: RandomCase, settings: MethodSettings) {
  try {
    return solve(random, settings, "tensors").compressed;
  } catch (error) {
    assert.ok(error instanceof TouchstoneError, String(error));
    assert.equal(error.type, "NumericalError");
    return undefined;
  }
}
