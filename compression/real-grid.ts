import { dequantized, type Grid, roundHalfEven } from "./grid.js";

/** What scales are divided by is at least this. */
export const LEAST_SCALE = 1e-9;

/**
 * SpQR's grid of `values`, float32: from the least to the largest, 0 not forced in, with a zero point that isn't
 * rounded.
 */
export function fitRealGrid(values: Float32Array, bits: number): Grid {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low < high)) {
    low = -1;
    high = 1;
  }
  const scale = Math.fround(Math.fround(high - low) / (2 ** bits - 1));
  return { scale, zero: Math.fround(-low / scale) };
}

/** The zero point is real, so it is added before rounding. */
export function realCodeOf(value: number, scale: number, zero: number, limit: number): number {
  const code = roundHalfEven(Math.fround(Math.fround(value / Math.max(scale, LEAST_SCALE)) + zero));
  return Math.max(0, Math.min(code, limit));
}

/**
 * Replaces the values of a run by those of their own grid, which is returned.
 * @param codes receives the codes, of the run's length
 */
export function quantizeRun(run: Float32Array, bits: number, codes: Uint8Array): Grid {
  const limit = 2 ** bits - 1;
  const grid = fitRealGrid(run, bits);
  for (let i = 0; i < run.length; i++) {
    codes[i] = realCodeOf(run[i], grid.scale, grid.zero, limit);
    run[i] = dequantized(codes[i], grid.scale, grid.zero);
  }
  return grid;
}
