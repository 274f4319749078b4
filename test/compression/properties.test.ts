import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { compressLayers } from "../../compression/compress-layers.js";
import { roundHalfEven } from "../../compression/grid.js";
import { kthSmallest } from "../../compression/mask.js";
import type { LayerStatistics } from "../../compression/method.js";
import { methodOf } from "../../compression/registry.js";
import { solveError } from "../../compression/solve-error.js";
import { secondMoment } from "../../compression/statistics.js";
import { loadBackend } from "../../tensor/backend.js";
import { compressRandom, everyMethod, settingsOf } from "./every-method.js";
import { always, assertPattern, differing, RUNS, sampled, weightOf } from "./over-cases.js";
import { type RandomCase, randomCases } from "./random-case.js";
import { collect, randomInputs, randomLayer } from "./random-layer.js";

// What every implementation of the methods must satisfy, over random shapes with dead inputs.
// Sizes at the ends of float32 are in extreme.test.ts.

/** A tie that falls the other way changes what follows in its row, and with SpQR the rows of its run: as against the references. */
function assertNearlyEqual(pairs: readonly (readonly [Float32Array, Float32Array])[], what: string) {
  const apart = pairs.reduce((sum, [a, b]) => sum + differing(a, b), 0);
  const all = pairs.reduce((sum, [a]) => sum + a.length, 0);
  assert.ok(apart <= 0.005 * all, `${what}: ${apart} of ${all} differ`);
}

function errorOf(random: RandomCase, json: object): number {
  const moment = secondMoment(collect(random.inputs, random.layer.columns, "secondMoment"));
  return solveError(random.layer, weightOf(random, json), moment);
}

/** In how many of the cases the first settings have at most the error of the second. */
function atMost(cases: readonly RandomCase[], first: object, second: object): number {
  let count = 0;
  for (const random of cases) if (errorOf(random, first) <= errorOf(random, second)) count++;
  return count;
}

describe("properties of compressed layers", () => {
  before(loadBackend);

  it("the same inputs give the same bits", () => {
    for (const json of everyMethod) {
      for (const random of sampled({ repeatedRows: true }, 3)) {
        assert.deepEqual(weightOf(random, json), weightOf(random, json));
      }
    }
  });

  it("n:m masks prune exactly n of each m", () => {
    const patterns = fc.constantFrom("1:2", "2:4", "1:4", "5:8");
    const methods = fc.constantFrom("wanda", "magnitude", "sparsegpt");
    const check = ({ layer, inputs }: RandomCase, pattern: string, method: string) => {
      assertPattern(compressRandom(layer, inputs, settingsOf({ method, pattern })), pattern);
    };
    fc.assert(fc.property(randomCases({ repeatedRows: true }), patterns, methods, check), { numRuns: 40 });
  });

  it("unstructured Wanda prunes the same share of every row", () =>
    always(({ layer: { rows, columns, ...layer }, inputs }) => {
      const given = { rows, columns, ...layer };
      const { mask } = compressRandom(given, inputs, settingsOf({ method: "wanda", sparsity: 0.33 }));
      for (let row = 0; row < rows; row++) {
        const kept = mask?.subarray(row * columns, (row + 1) * columns).filter((mark) => mark === 1);
        assert.equal(kept?.length, columns - Math.floor(0.33 * columns));
      }
    }));

  it("n:m Wanda equals n:m magnitude when all inputs have equal norm", () => {
    const check = ({ layer }: RandomCase, pattern: string, size: number) => {
      const meanSquares = new Float32Array(layer.columns).fill(size);
      const equal: LayerStatistics = { kind: "inputNorms", meanSquares, sequences: 1 };
      const [wanda] = compressLayers([layer], equal, settingsOf({ method: "wanda", pattern }));
      const [magnitude] = compressLayers([layer], { kind: "none" }, settingsOf({ method: "magnitude", pattern }));
      assert.deepEqual(wanda.compressed, magnitude.compressed);
    };
    // Roots that are powers of two: products with them round nothing, so that no scores become equal.
    const sizes = fc.constantFrom(2 ** -60, 4, 2 ** 60);
    const cases = randomCases({ weightScales: [1e-20, 1, 1e20], repeatedRows: true });
    fc.assert(fc.property(cases, fc.constantFrom("1:4", "2:4", "4:8"), sizes, check), RUNS);
  });

  // Greedy: no theorem. Of 100 cases GPTQ had less error in all, SparseGPT in 97; two of these 30 may fail.
  it("GPTQ's error is at most RTN's in nearly all layers", () => {
    for (const grid of [
      { bits: 3, groupSize: 32 },
      { bits: 4, groupSize: -1, symmetric: true },
    ]) {
      assert.ok(atMost(sampled(), { method: "gptq", ...grid }, { method: "rtn", ...grid }) > 27);
    }
  });

  it("SparseGPT's error is at most that of Wanda's mask without update in nearly all layers", () => {
    assert.ok(atMost(sampled(), { method: "sparsegpt" }, { method: "wanda" }) > 27);
  });

  it("SpQR has no outliers with an infinite threshold, and some with a finite one", () => {
    const marks = ({ layer, inputs }: RandomCase, outlierThreshold: number | null) =>
      compressRandom(layer, inputs, settingsOf({ method: "spqr", bits: 2, outlierThreshold })).quantized?.outliers;
    always((random) => assert.equal(marks(random, null), undefined));
    const large = { layer: randomLayer(32, 64, 1), inputs: randomInputs(64, 2), dead: new Set<number>() };
    assert.ok(marks(large, 0.05)?.some((mark) => mark === 1));
  });

  const unblocked: object[] = [
    { method: "gptq", groupSize: -1 },
    { method: "gptq", groupSize: -1, bits: 3, actOrder: true, mse: true },
    { method: "gptq", groupSize: 16, staticGroups: true, actOrder: true },
    { method: "spqr" },
    { method: "spqr", bits: 3, order: "identity", simplifiedOutliers: true },
    { method: "sparsegpt" },
    { method: "sparsegpt", pattern: "4:8" },
  ];
  for (const json of unblocked) {
    it(`block size changes nothing beyond rounding for ${JSON.stringify(json)}`, () => {
      const both = (random: RandomCase) =>
        [weightOf(random, { ...json, blockSize: 16 }), weightOf(random, { ...json, blockSize: 96 })] as const;
      // Equal rows make SpQR's statistics equal but for rounding: whether they are is a tie by construction.
      assertNearlyEqual(sampled({}, 40).map(both), JSON.stringify(json));
    });
  }

  it("permuting the calibration sequences changes nothing beyond rounding", () => {
    for (const json of everyMethod) {
      const settings = settingsOf(json);
      const { statistics } = methodOf(settings.method);
      const solve = ({ layer, inputs }: RandomCase, order: number[]) => {
        const [{ compressed }] = compressLayers([layer], collect(inputs, layer.columns, statistics, order), settings);
        return compressed.weight;
      };
      const both = (random: RandomCase) => [solve(random, [0, 1, 2, 3]), solve(random, [3, 1, 0, 2])] as const;
      assertNearlyEqual(sampled({}, 20).map(both), JSON.stringify(json));
    }
  });

  it("all-zero inputs leave finite weights", () =>
    always(({ layer, inputs }) => {
      for (const json of everyMethod) {
        const { weight } = compressRandom(
          layer,
          inputs.map(() => 0),
          settingsOf(json),
        );
        assert.ok(weight.every(Number.isFinite), JSON.stringify(json));
      }
    }));
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
