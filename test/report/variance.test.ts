import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { summarize, varianceComponents } from "../../report/variance.js";

const figures = fc.double({ noNaN: true, min: -1e6, max: 1e6 });

test("mean and sample standard deviation are those computed by hand", () => {
  const { mean, standardDeviation, min, max, count, excluded } = summarize([2, 4, 4, 4, 5, 5, 7, 9]);
  assert.deepEqual({ mean, min, max, count, excluded }, { mean: 5, min: 2, max: 9, count: 8, excluded: 0 });
  // Squares sum to 32; 32 / (8 - 1).
  assert.equal(standardDeviation, Math.sqrt(32 / 7));
});

test("one value has a mean and no standard deviation, no value has neither", () => {
  assert.deepEqual(summarize([3]), { count: 1, excluded: 0, mean: 3, standardDeviation: null, min: 3, max: 3 });
  assert.deepEqual(summarize([]), { count: 0, excluded: 0, mean: null, standardDeviation: null, min: null, max: null });
});

test("values that are not finite are counted and left out", () => {
  const summary = summarize([1, Number.NaN, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  assert.deepEqual(summary, { count: 2, excluded: 3, mean: 2, standardDeviation: Math.SQRT2, min: 1, max: 3 });
});

test("equal values spread by exactly 0 and have themselves as mean", () => {
  fc.assert(
    fc.property(figures, fc.integer({ min: 2, max: 40 }), (value, count) => {
      const { mean, standardDeviation } = summarize(Array(count).fill(value));
      assert.equal(mean, value);
      assert.equal(standardDeviation, 0);
    }),
  );
});

test("the mean lies between minimum and maximum, the standard deviation within the range", () => {
  fc.assert(
    fc.property(fc.array(figures, { minLength: 2, maxLength: 30 }), (values) => {
      const { mean, standardDeviation, min, max } = summarize(values);
      assert.ok(mean !== null && min !== null && max !== null && standardDeviation !== null);
      const rounding = 1e-9 * (Math.abs(min) + Math.abs(max) + 1e-300);
      assert.ok(mean >= min - rounding && mean <= max + rounding);
      assert.ok(standardDeviation >= 0 && standardDeviation <= (max - min) * Math.SQRT1_2 * 1.000001);
    }),
  );
});

test("variance components are those of a small table computed by hand", () => {
  // Means 2, 5, 8; within: (1+1) * 3 / 3 = 2; between: 2 * (9 + 0 + 9) / 2 = 18; component (18 - 2) / 2 = 8.
  const { withinSources, sourceShare, pValue } = varianceComponents([
    [1, 3],
    [4, 6],
    [7, 9],
  ]);
  assert.equal(withinSources, Math.SQRT2);
  assert.equal(sourceShare, 0.8);
  // F(2, 3) = 9 has the closed form (1 + 2 * 9 / 3) ** (-3 / 2).
  assert.ok(pValue !== null && Math.abs(pValue - 7 ** -1.5) < 1e-12);
});

test("sources that differ no more than their sets explain nothing", () => {
  const { sourceShare } = varianceComponents([
    [1, 5],
    [2, 4],
  ]);
  assert.equal(sourceShare, 0);
});

test("equal values in all sources have no variance to share out", () => {
  const constant = varianceComponents([[0.1, 0.1, 0.1], [0.1, 0.1], [0.1]]);
  assert.deepEqual(constant, { withinSources: 0, sourceShare: null, pValue: null });
});

test("one set a source tells nothing about sets within a source", () => {
  assert.deepEqual(varianceComponents([[1], [2], [3]]), { withinSources: null, sourceShare: null, pValue: null });
});
