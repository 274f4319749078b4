import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { compressLayers } from "../../compression/compress-layers.js";
import { roundHalfEven } from "../../compression/grid.js";
import { kthSmallest, parsePattern } from "../../compression/mask.js";
import type { Layer, LayerStatistics } from "../../compression/method.js";
import { methodOf } from "../../compression/registry.js";
import { solveError } from "../../compression/solve-error.js";
import { secondMoment } from "../../compression/statistics.js";
import type { MethodSettings } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { compressRandom, everyMethod, settingsOf } from "./every-method.js";
import { collect, randomInputs, randomLayer } from "./random-layer.js";

const seeds = fc.integer({ min: 1, max: 1e6 });
const RUNS = { numRuns: 12 };

function errorOf(layer: Layer, inputs: Float32Array, settings: MethodSettings): number {
  const moment = secondMoment(collect(inputs, layer.columns, "secondMoment"));
  return solveError(layer, compressRandom(layer, inputs, settings).weight, moment);
}

/** Share of elements that are apart by more than rounding of the largest weight. */
function differing(a: Float32Array, b: Float32Array): number {
  const bound = 1e-4 * a.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
  return a.reduce((count, x, i) => count + (Math.abs(x - b[i]) > bound ? 1 : 0), 0) / a.length;
}

describe("properties of compressed layers", () => {
  before(loadBackend);

  it("the same inputs give the same bits", () => {
    for (const json of everyMethod) {
      const [layer, inputs] = [randomLayer(20, 72, 5), randomInputs(72, 6)];
      const [a, b] = [0, 1].map(() => compressRandom(layer, inputs, settingsOf(json)).weight);
      assert.deepEqual(a, b);
    }
  });

  it("n:m masks prune exactly n of each m", () => {
    fc.assert(
      fc.property(
        seeds,
        fc.constantFrom("1:2", "2:4", "3:6", "5:8"),
        fc.constantFrom("wanda", "magnitude", "sparsegpt"),
        (seed, pattern, method) => {
          const { mask } = compressRandom(
            randomLayer(6, 48, seed),
            randomInputs(48, seed),
            settingsOf(method === "sparsegpt" ? { method, pattern, blockSize: 240 } : { method, pattern }),
          );
          const { pruned, of } = parsePattern(pattern);
          assert.ok(mask !== undefined);
          for (let start = 0; start < mask.length; start += of) {
            assert.equal(
              mask.subarray(start, start + of).reduce((sum, kept) => sum + kept, 0),
              of - pruned,
            );
          }
        },
      ),
      RUNS,
    );
  });

  it("unstructured Wanda prunes the same share of every row", () => {
    const { mask } = compressRandom(
      randomLayer(6, 50, 1),
      randomInputs(50, 2),
      settingsOf({ method: "wanda", sparsity: 0.33 }),
    );
    for (let row = 0; row < 6; row++)
      assert.equal(
        mask?.subarray(row * 50, row * 50 + 50).reduce((sum, x) => sum + x, 0),
        50 - 16,
      );
  });

  it("n:m Wanda equals n:m magnitude when all inputs have equal norm", () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom("1:4", "2:4", "4:8"), (seed, pattern) => {
        const layer = randomLayer(8, 64, seed);
        const equal: LayerStatistics = { kind: "inputNorms", meanSquares: new Float32Array(64).fill(4), sequences: 1 };
        const [{ compressed: byWanda }] = compressLayers([layer], equal, settingsOf({ method: "wanda", pattern }));
        const [{ compressed: byMagnitude }] = compressLayers(
          [layer],
          { kind: "none" },
          settingsOf({ method: "magnitude", pattern }),
        );
        assert.deepEqual(byWanda.mask, byMagnitude.mask);
      }),
      RUNS,
    );
  });

  it("GPTQ's error is at most RTN's in nearly all layers", () => {
    const better = Array.from({ length: 20 }, (_, seed) => {
      const [layer, inputs] = [randomLayer(16, 64, seed + 1), randomInputs(64, seed + 100)];
      const grid = { bits: 3, groupSize: 32 };
      return (
        errorOf(layer, inputs, settingsOf({ method: "gptq", ...grid })) <=
        errorOf(layer, inputs, settingsOf({ method: "rtn", ...grid }))
      );
    });
    // Greedy: no theorem. All 20 hold here; one may fail.
    assert.ok(better.filter(Boolean).length >= 19);
  });

  it("SparseGPT's error is at most that of Wanda's mask without update in nearly all layers", () => {
    const better = Array.from({ length: 20 }, (_, seed) => {
      const [layer, inputs] = [randomLayer(16, 64, seed + 1), randomInputs(64, seed + 100)];
      return (
        errorOf(layer, inputs, settingsOf({ method: "sparsegpt" })) <=
        errorOf(layer, inputs, settingsOf({ method: "wanda" }))
      );
    });
    // Greedy: no theorem.
    assert.ok(better.filter(Boolean).length >= 19);
  });

  it("SpQR marks outliers, and without a threshold none", () => {
    const [layer, inputs] = [randomLayer(32, 64, 1), randomInputs(64, 2)];
    const marked = (outlierThreshold: number | null) =>
      compressRandom(layer, inputs, settingsOf({ method: "spqr", bits: 2, outlierThreshold })).quantized?.outliers;
    assert.ok(marked(0.05)?.some((mark) => mark === 1));
    assert.equal(marked(null), undefined);
  });

  const unblocked: object[] = [
    { method: "gptq", groupSize: -1 },
    { method: "gptq", groupSize: 16, staticGroups: true },
    { method: "spqr" },
    { method: "sparsegpt" },
  ];
  for (const json of unblocked) {
    it(`block size changes nothing beyond rounding for ${JSON.stringify(json)}`, () => {
      const [layer, inputs] = [randomLayer(24, 96, 3), randomInputs(96, 4)];
      const [a, b] = [16, 96].map(
        (blockSize) => compressRandom(layer, inputs, settingsOf({ ...json, blockSize })).weight,
      );
      // A tie that falls the other way changes what follows in its row: half of one row of 24.
      assert.ok(differing(a, b) <= 0.5 / 24);
    });
  }

  it("permuting the calibration sequences changes nothing beyond rounding", () => {
    for (const json of everyMethod) {
      const settings = settingsOf(json);
      const layer = randomLayer(24, 72, 8);
      const inputs = randomInputs(72, 9);
      const { statistics } = methodOf(settings.method);
      const [a, b] = [
        [0, 1, 2, 3],
        [3, 1, 0, 2],
      ].map((order) => compressLayers([layer], collect(inputs, 72, statistics, order), settings)[0].compressed.weight);
      assert.ok(differing(a, b) <= 0.5 / 24, JSON.stringify(json));
    }
  });

  it("all-zero inputs leave finite weights", () => {
    for (const json of everyMethod) {
      const compressed = compressRandom(
        randomLayer(8, 72, 1),
        new Float32Array(randomInputs(72, 1).length),
        settingsOf(json),
      );
      assert.ok(compressed.weight.every(Number.isFinite), JSON.stringify(json));
    }
  });
});

describe("small pieces", () => {
  it("rounding is half to even", () => {
    const halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997, -0.2];
    assert.deepEqual(halves.map(roundHalfEven), [-2, -2, 0, 0, 2, 2, 0, 0]);
  });

  it("the k-th smallest is what sorting gives", () => {
    const values = fc
      .float32Array({ min: 0, noNaN: true, minLength: 1, maxLength: 50 })
      .map((array) => array.map(Math.abs));
    fc.assert(
      fc.property(values, fc.nat(), (array, n) => {
        const k = n % array.length;
        assert.equal(kthSmallest(array, k), array.slice().sort()[k]);
      }),
    );
  });
});
