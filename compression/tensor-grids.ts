import * as tf from "@tensorflow/tfjs-core";
import { takeValues } from "../tensor/linear-algebra.js";
import { ERROR_POWER, type GridOptions, SHRINK_GRID, SHRINK_STEPS } from "./grid.js";

// grid.ts of tensors: values are [columns, rows], and each row has a grid.

/** [1, rows] each, or what is broadcast alike. */
export type Grids<T extends tf.Tensor = tf.Tensor2D> = { scale: T; zero: T };

/** `fitGrid` for each row. */
export function fitGrids(values: tf.Tensor2D, options: GridOptions): Grids {
  const least = tf.minimum<tf.Tensor2D>(tf.min(values, 0, true), 0);
  const largest = tf.maximum<tf.Tensor2D>(tf.max(values, 0, true), 0);
  const high = options.symmetric ? tf.maximum<tf.Tensor2D>(tf.neg(least), largest) : largest;
  const low = options.symmetric ? tf.where(tf.less(least, 0), tf.neg(high), least) : least;
  const isFlat = tf.equal(low, high);
  const range = [tf.where<tf.Tensor2D>(isFlat, -1, low), tf.where<tf.Tensor2D>(isFlat, 1, high)] as const;
  return options.mse ? searchGrids(values, range, options) : gridsOf(range, options);
}

type Range = readonly [low: tf.Tensor2D, high: tf.Tensor2D];

function gridsOf([low, high]: Range, { bits, symmetric }: GridOptions): Grids {
  const limit = 2 ** bits - 1;
  const scale = tf.div<tf.Tensor2D>(tf.sub(high, low), limit);
  const zero = symmetric
    ? tf.fill<tf.Rank.R2>([1, low.size], (limit + 1) / 2)
    : tf.round<tf.Tensor2D>(tf.div(tf.neg(low), scale));
  return { scale, zero };
}

/** The shrunken range with the least error; of equal ones the widest. */
function searchGrids(values: tf.Tensor2D, [low, high]: Range, options: GridOptions): Grids {
  let best = gridsOf([low, high], options);
  let least = gridErrors(values, best, options);
  for (let i = 1; i < SHRINK_STEPS; i++) {
    const share = 1 - i / SHRINK_GRID;
    const grid = gridsOf([tf.mul(low, share), tf.mul(high, share)], options);
    const error = gridErrors(values, grid, options);
    const isLess = tf.less(error, least);
    const { scale, zero } = best;
    best = { scale: tf.where(isLess, grid.scale, scale), zero: tf.where(isLess, grid.zero, zero) };
    least = tf.minimum(error, least);
  }
  return best;
}

function gridErrors(values: tf.Tensor2D, grid: Grids, { bits }: GridOptions): tf.Tensor2D {
  return tf.tidy(() => {
    const rounded = valuesOf(codesOf(values, grid, 2 ** bits - 1), grid);
    return tf.sum(tf.pow(tf.abs(tf.sub(rounded, values)), ERROR_POWER), 0, true);
  });
}

/** `codeOf` of each value. @param limit the largest code; for every column a tensor, made once */
export function codesOf(values: tf.Tensor2D, { scale, zero }: Grids, limit: tf.Scalar | number): tf.Tensor2D {
  return clamped(tf.add(tf.round(tf.div(values, scale)), zero), limit);
}

/** 0 to limit. */
export function clamped<T extends tf.Tensor>(codes: T, limit: tf.Scalar | number): T {
  return tf.minimum(tf.relu(codes), limit);
}

/** `dequantized` of each code. */
export function valuesOf<T extends tf.Tensor>(codes: T, { scale, zero }: Grids<T>): T {
  return tf.mul(scale, tf.sub(codes, zero));
}

/** The values of columns [columns, rows] that follow each other, row-major [rows, all columns]. */
export function takeRows(parts: readonly tf.Tensor2D[]): Float32Array {
  return takeValues(tf.tidy(() => tf.transpose(tf.concat([...parts]))));
}
