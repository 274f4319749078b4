import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBlock } from "../../compression/column-kernel.js";
import { codeOf, dequantized } from "../../compression/grid.js";
import { patternMask } from "../../compression/mask.js";
import { fitRealGrid, realCodeOf } from "../../compression/real-grid.js";
import { randomValues } from "./random-layer.js";

const [ROWS, WIDTH, LIMIT] = [21, 12, 15];

/** A block of random weights, U with pivots around 1 and small values elsewhere. */
function randomBlock(panelRows: number, seed = 1) {
  const block = openBlock(ROWS, WIDTH, panelRows);
  block.current.set(randomValues(ROWS * WIDTH, seed));
  block.upper.set(
    randomValues(WIDTH * WIDTH, seed + 1).map((value, i) => (i % (WIDTH + 1) === 0 ? 1 : 0) + 0.1 * value),
  );
  return block;
}

/** One panel of all rows, with the weights of a row that the test is given. */
function openPanel(seed = 1) {
  const block = randomBlock(ROWS, seed);
  block.begin(0, ROWS);
  const { panel, upper } = block;
  const rowOf = (row: number, from: number, count: number) =>
    Float32Array.from({ length: count }, (_, i) => panel.values[(from + i) * panel.height + row]);
  return { block, panel, rowOf, pivots: Float32Array.from({ length: WIDTH }, (_, j) => upper[j * (WIDTH + 1)]) };
}

/** The definition, one weight left out after the other; sums in float64. */
function likelyOutliers(weights: Float32Array, pivots: Float32Array, bits: number, threshold: number): boolean[] {
  const error = (left: number[]) => {
    const values = Float32Array.from(left, (i) => weights[i]);
    const { scale, zero } = fitRealGrid(values, bits);
    const losses = left.map((i) => {
      const rounded = dequantized(realCodeOf(weights[i], scale, zero, 2 ** bits - 1), scale, zero);
      return ((rounded - weights[i]) / pivots[i]) ** 2;
    });
    return losses.reduce((sum, loss) => sum + loss, 0);
  };
  const all = Array.from(weights.keys());
  const base = error(all);
  return all.map((i) => base - error(all.filter((k) => k !== i)) > threshold);
}

/** The loop of the definition: float32, one column at a time. */
function propagated(current: Float32Array, upper: Float32Array, keep: (value: number) => number) {
  const values = current.slice();
  const errors = new Float32Array(ROWS * WIDTH);
  for (let row = 0; row < ROWS; row++) {
    for (let j = 0; j < WIDTH; j++) {
      const at = row * WIDTH + j;
      const error = Math.fround(Math.fround(values[at] - keep(values[at])) / upper[j * WIDTH + j]);
      errors[j * ROWS + row] = error;
      values[at] = keep(values[at]);
      for (let k = j + 1; k < WIDTH; k++) values[at + k - j] -= Math.fround(error * upper[j * WIDTH + k]);
    }
  }
  return { values, errors };
}

describe("the column kernels", () => {
  for (const [panelRows, step] of [
    [21, 4],
    [8, 4],
    [5, 3],
    [16, 12],
    [1, 1],
  ]) {
    it(`propagate as the definition does, to the bit, in panels of ${panelRows} rows and steps of ${step} columns`, () => {
      const block = randomBlock(panelRows);
      const keep = (value: number) => Math.fround(Math.round(4 * value) / 4);
      const expected = propagated(block.current, block.upper, keep);
      const { panel } = block;
      let squares = 0;
      for (let row = 0; row < ROWS; row += panelRows) {
        block.begin(row, Math.min(panelRows, ROWS - row));
        for (let j = 0; j < WIDTH; j++) {
          const first = j - (j % step);
          for (let at = j * panel.height; at < (j + 1) * panel.height; at++) panel.kept[at] = keep(panel.values[at]);
          squares += block.settle(j, first, Math.min(WIDTH, first + step));
        }
        block.end();
      }
      assert.deepEqual(block.current, expected.values);
      assert.deepEqual(block.errors, expected.errors);
      const sum = expected.errors.reduce((total, error) => total + error * error, 0);
      // Float64, in another order.
      assert.ok(Math.abs(squares / sum - 1) < 1e-12);
    });
  }

  it("round to integer and real grids as the formulas do, to the bit", () => {
    const { panel, rowOf, pivots } = openPanel();
    panel.scales.set(randomValues(ROWS, 3).map((value) => 0.1 + Math.abs(0.1 * value)));
    panel.zeros.fill(7);
    const threshold = 0.002;
    for (let j = 0; j < WIDTH; j++) panel.round(j, LIMIT);
    for (let row = 0; row < ROWS; row++) {
      const scale = panel.scales[row];
      const codes = rowOf(row, 0, WIDTH).map((value) => codeOf(value, scale, 7, LIMIT));
      for (let j = 0, at = row; j < WIDTH; j++, at += panel.height) {
        assert.equal(panel.bytes[0][at], codes[j]);
        assert.equal(panel.kept[at], dequantized(codes[j], scale, 7));
      }
    }
    panel.zeros.set(randomValues(ROWS, 4).map((value) => 4 * value));
    let outliers = 0;
    for (let j = 0; j < WIDTH; j++) {
      panel.roundReal(j, LIMIT, threshold);
      for (let row = 0; row < ROWS; row++) {
        const [value] = rowOf(row, j, 1);
        const code = realCodeOf(value, panel.scales[row], panel.zeros[row], LIMIT);
        const rounded = dequantized(code, panel.scales[row], panel.zeros[row]);
        const error = Math.fround(Math.fround(value - rounded) / pivots[j]);
        const isOutlier = Math.fround(error * error) > Math.fround(threshold);
        const at = j * panel.height + row;
        assert.equal(panel.bytes[0][at], code);
        assert.equal(panel.bytes[1][at], isOutlier ? 1 : 0);
        assert.equal(panel.kept[at], isOutlier ? value : rounded);
        outliers += isOutlier ? 1 : 0;
      }
    }
    assert.ok(outliers > 0 && outliers < ROWS * WIDTH);
  });

  it("prune of each run what costs least, of equal costs the last", () => {
    const { block, panel, rowOf, pivots } = openPanel();
    // Row 0 has equal weights, on equal pivots.
    for (let j = 0; j < WIDTH; j++) {
      panel.values[j * panel.height] = 1;
      block.upper[j * (WIDTH + 1)] = pivots[j] = j < 4 ? 0.5 : pivots[j];
    }
    for (let j = 0; j < WIDTH; j += 4) {
      panel.markLeast(j, 4, 3);
      for (let k = j; k < j + 4; k++) panel.keepMarked(k);
      for (let row = 0; row < ROWS; row++) {
        const weights = rowOf(row, j, 4);
        const costs = weights.map((w, i) => Math.fround(w * w) / Math.fround(pivots[j + i] ** 2));
        const mask = patternMask(costs, { pruned: 3, of: 4 });
        const kept = weights.map((_, i) => panel.kept[(j + i) * panel.height + row]);
        assert.deepEqual(
          kept,
          weights.map((weight, i) => (mask[i] === 1 ? weight : 0)),
        );
      }
    }
    assert.deepEqual(
      [0, 1, 2, 3].map((j) => panel.bytes[0][j * panel.height]),
      [1, 0, 0, 0],
    );
  });

  it("fit SpQR's grids without likely outliers, as leaving out one weight after the other does", () => {
    const bits = 3;
    for (const threshold of [0.001, 0.05, 0.2, Number.POSITIVE_INFINITY]) {
      const { panel, rowOf, pivots } = openPanel(7);
      // All equal; all but one equal; the least twice; one far away.
      for (let j = 0; j < WIDTH; j++) {
        panel.values[j * panel.height] = 0.5;
        panel.values[j * panel.height + 1] = j === 3 ? 0.7 : -0.5;
        if (j < 2) panel.values[j * panel.height + 2] = -3;
        if (j === 5) panel.values[j * panel.height + 3] = 20;
      }
      panel.fitReal(0, WIDTH, 2 ** bits - 1, threshold);
      for (let row = 0; row < ROWS; row++) {
        const weights = rowOf(row, 0, WIDTH);
        const marks = likelyOutliers(weights, pivots, bits, threshold);
        const left = weights.filter((_, i) => !marks[i]);
        const mean = left.reduce((sum, weight) => sum + weight, 0) / Math.max(1, left.length);
        const { scale, zero } = fitRealGrid(
          weights.map((weight, i) => (marks[i] ? mean : weight)),
          bits,
        );
        assert.equal(panel.scales[row], scale, `row ${row}, threshold ${threshold}`);
        assert.equal(panel.zeros[row], zero, `row ${row}, threshold ${threshold}`);
      }
    }
  });
});
