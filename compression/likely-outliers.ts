import { dequantized, type Grid } from "./grid.js";
import { fitRealGrid, realCodeOf } from "./real-grid.js";

/**
 * Marks with 1 the weights of a row's group whose leaving out lowers the group's error by more than `threshold`: the squared errors
 * over squared pivots of the others on their own grid, against those of all on theirs (Dettmers et al. 2023, arXiv 2306.03078,
 * section 4.1). Only the least and the largest weight change the grid; for the others it is their own error.
 * @param pivots U[k,k] of the group's columns
 */
export function markLikelyOutliers(
  weights: Float32Array,
  count: number,
  pivots: Float32Array,
  bits: number,
  threshold: number,
  marks: Uint8Array,
): void {
  const grid = fitRealGrid(weights, count, bits);
  const limit = 2 ** bits - 1;
  const base = sumErrors(weights, count, pivots, grid, limit, -1);
  for (let i = 0; i < count; i++) {
    const other = fitRealGrid(weights, count, bits, i);
    const isSame = other.scale === grid.scale && other.zero === grid.zero;
    const reduction = isSame
      ? errorOf(weights[i], pivots[i], grid, limit)
      : base - sumErrors(weights, count, pivots, other, limit, i);
    marks[i] = reduction > threshold ? 1 : 0;
  }
}

function sumErrors(
  weights: Float32Array,
  count: number,
  pivots: Float32Array,
  grid: Grid,
  limit: number,
  without: number,
): number {
  let sum = 0;
  for (let i = 0; i < count; i++) if (i !== without) sum += errorOf(weights[i], pivots[i], grid, limit);
  return sum;
}

function errorOf(weight: number, pivot: number, { scale, zero }: Grid, limit: number): number {
  const error = (dequantized(realCodeOf(weight, scale, zero, limit), scale, zero) - weight) / pivot;
  return error * error;
}
