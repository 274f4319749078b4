/** How a grid is fitted to the values of one row of one group. */
export interface GridOptions {
  bits: number;
  symmetric: boolean;
  /** Search the range by the error it leaves. */
  mse: boolean;
}

export interface Grid {
  scale: number;
  zero: number;
}

/** The search of `mse`: the range shrinks by 1 % a step, 80 times; errors count by their power of 2.4 (IST-DASLab/gptq). */
export const SHRINK_STEPS = 80;
export const SHRINK_GRID = 100;
export const ERROR_POWER = 2.4;

/** 1.5 * 2^52: a float64 of this size has no fraction bits, so adding it rounds half to even. */
const ROUNDING = 6755399441055744;

/** Half-to-even, as the references round; for |x| < 2^51. Never -0. */
export function roundHalfEven(x: number): number {
  return x + ROUNDING - ROUNDING;
}

/** The integer code of a weight on a grid with integer zero point. Float32 division: symmetric grids tie by construction. */
export function codeOf(weight: number, scale: number, zero: number, limit: number): number {
  const code = roundHalfEven(Math.fround(weight / scale)) + zero;
  return code < 0 ? 0 : code > limit ? limit : code;
}

/** The weight that a code stands for, in float32. */
export function dequantized(code: number, scale: number, zero: number): number {
  return Math.fround(scale * Math.fround(code - zero));
}

/**
 * The grid of `values[from .. from + count - 1]`, float32. Its range includes 0, so that 0 has a code.
 */
export function fitGrid(values: Float32Array, from: number, count: number, options: GridOptions): Grid {
  const limit = 2 ** options.bits - 1;
  let low = 0;
  let high = 0;
  for (let i = from; i < from + count; i++) {
    const value = values[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (options.symmetric) {
    high = Math.max(-low, high);
    if (low < 0) low = -high;
  }
  if (low === 0 && high === 0) {
    low = -1;
    high = 1;
  }
  const whole = gridOf(low, high, limit, options.symmetric);
  return options.mse ? searchGrid(values, from, count, low, high, whole, options) : whole;
}

function gridOf(low: number, high: number, limit: number, symmetric: boolean): Grid {
  const scale = Math.fround(Math.fround(high - low) / limit);
  return { scale, zero: symmetric ? (limit + 1) / 2 : roundHalfEven(Math.fround(-low / scale)) };
}

/** The shrunken range with the least error; of equal ones the widest. */
function searchGrid(
  values: Float32Array,
  from: number,
  count: number,
  low: number,
  high: number,
  whole: Grid,
  { bits, symmetric }: GridOptions,
): Grid {
  const limit = 2 ** bits - 1;
  let best = whole;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SHRINK_STEPS; i++) {
    const share = Math.fround(1 - i / SHRINK_GRID);
    const grid = gridOf(Math.fround(share * low), Math.fround(share * high), limit, symmetric);
    const error = gridError(values, from, count, grid, limit, least);
    if (error < least) {
      least = error;
      best = grid;
    }
  }
  return best;
}

/** Stops where the sum has reached `bound`: it can't be the least any more. */
function gridError(
  values: Float32Array,
  from: number,
  count: number,
  { scale, zero }: Grid,
  limit: number,
  bound: number,
): number {
  let error = 0;
  for (let i = from; i < from + count && error < bound; i++) {
    const value = dequantized(codeOf(values[i], scale, zero, limit), scale, zero);
    error += Math.abs(Math.fround(value - values[i])) ** ERROR_POWER;
  }
  return error;
}
