import * as tf from "@tensorflow/tfjs-core";
import type { GridStatistics } from "./method.js";
import { LEAST_SCALE } from "./real-grid.js";
import { clamped, type Grids, takeRows, valuesOf } from "./tensor-grids.js";

// real-grid.ts and grid-statistics.ts of tensors: values are [columns, rows], and each row has a grid.

/** With what is divided by. */
type RealGrids<T extends tf.Tensor = tf.Tensor2D> = Grids<T> & { divisor: T };

/** A group's grids, whose scales (first) and zero points (second) stand on grids of their own, those of runs of rows. */
export type TwoLevelGrids = RealGrids & {
  /** [2, rows] */
  codes: tf.Tensor2D;
  /** [2, runs] */
  gridScales: tf.Tensor2D;
  /** [2, runs] */
  gridZeros: tf.Tensor2D;
};

/** SpQR's grids of a group. @param limit the largest code; `statisticsLimit` that of scales and zero points */
export function fitTwoLevels(
  values: tf.Tensor2D,
  limit: number,
  statisticsLimit: number,
  runRows: number,
): TwoLevelGrids {
  const { scale, zero } = fitRealGrids(values, 0, limit);
  const rows = scale.size;
  const runs = Math.ceil(rows / runRows);
  const both = tf.concat([scale, zero]);
  // The last value once more doesn't change its run's grid.
  const last = tf.tile<tf.Tensor2D>(tf.slice(both, [0, rows - 1]), [1, runs * runRows - rows]);
  const inRuns = tf.reshape<tf.Rank.R2>(tf.concat([both, last], 1), [2 * runs, runRows]);
  const grids = fitRealGrids(inRuns, 1, statisticsLimit);
  const codes = realCodesOf(inRuns, grids, statisticsLimit);
  const inRows = (run: tf.Tensor2D) => tf.slice(tf.reshape<tf.Rank.R2>(run, [2, runs * runRows]), 0, [2, rows]);
  const [scales, zeros] = tf.split<tf.Tensor2D>(inRows(valuesOf(codes, grids)), 2);
  return {
    ...withDivisor({ scale: scales, zero: zeros }),
    codes: inRows(codes),
    gridScales: tf.reshape(grids.scale, [2, runs]),
    gridZeros: tf.reshape(grids.zero, [2, runs]),
  };
}

/** Reads the second level of all groups. */
export function takeStatistics(groups: readonly TwoLevelGrids[], { scales, zeros }: GridStatistics): void {
  for (const [i, into] of [scales, zeros].entries()) {
    const take = (read: (grids: TwoLevelGrids) => tf.Tensor2D) =>
      takeRows(groups.map((grids) => tf.slice(read(grids), i, 1)));
    into.codes.set(take(({ codes }) => codes));
    into.gridScales.set(take(({ gridScales }) => gridScales));
    into.gridZeros.set(take(({ gridZeros }) => gridZeros));
  }
}

/** `realCodeOf` of each value. @param limit the largest code; for every column a tensor, made once */
export function realCodesOf<T extends tf.Tensor>(
  values: tf.Tensor,
  { divisor, zero }: RealGrids<T>,
  limit: tf.Scalar | number,
): T {
  return clamped(tf.round<T>(tf.add(tf.div(values, divisor), zero)), limit);
}

/**
 * A group's values, those whose leaving out lowers the row's error by more than `threshold` replaced by the mean of the others
 * (Dettmers et al. 2023, arXiv 2306.03078, section 4.1). The error is the sum of squared errors over squared pivots, of the others
 * on their own grid against that of all on theirs. Only the least and the largest value change the grid, where no other is
 * equal to it; for the others it is their own error.
 * @param pivots [columns, 1]
 */
export function withoutLikelyOutliers(
  values: tf.Tensor2D,
  pivots: tf.Tensor2D,
  limit: number,
  threshold: number,
): tf.Tensor2D {
  const [low, high] = [tf.min<tf.Tensor2D>(values, 0, true), tf.max<tf.Tensor2D>(values, 0, true)];
  const [isLow, isHigh] = [tf.equal<tf.Tensor2D>(values, low), tf.equal<tf.Tensor2D>(values, high)];
  const nextLow = tf.min<tf.Tensor2D>(tf.where(isLow, Number.POSITIVE_INFINITY, values), 0, true);
  const nextHigh = tf.max<tf.Tensor2D>(tf.where(isHigh, Number.NEGATIVE_INFINITY, values), 0, true);
  // Three grids, [3, 1, rows]: of all, without the least, without the largest.
  const grids = realGridsOf(tf.stack([low, nextLow, low]), tf.stack([high, high, nextHigh]), limit);
  const rounded = valuesOf(realCodesOf(values, grids, limit), grids);
  const losses = tf.square(tf.div(tf.sub(rounded, values), pivots));
  const [own, withoutLow, withoutHigh] = tf.unstack(losses);
  const none = tf.zerosLike(values);
  const reduction = (isEnd: tf.Tensor2D, others: tf.Tensor) =>
    tf.sub(tf.sum(own, 0, true), tf.sum(tf.where(isEnd, none, others), 0, true));
  const other = tf.where(isAlone(isHigh, isLow), reduction(isHigh, withoutHigh), own);
  const isOutlier = tf.greater(tf.where(isAlone(isLow, isHigh), reduction(isLow, withoutLow), other), threshold);
  const left = tf.where(isOutlier, none, values);
  const count = tf.sum(tf.cast(tf.logicalNot(isOutlier), "float32"), 0, true);
  return tf.where(isOutlier, tf.div<tf.Tensor2D>(tf.sum(left, 0, true), tf.maximum(count, 1)), values);
}

/** Where one value of a row is at this end, and it isn't at the other too. */
function isAlone(isEnd: tf.Tensor2D, isOther: tf.Tensor2D): tf.Tensor2D {
  const isOnly = tf.equal(tf.sum(tf.cast(isEnd, "float32"), 0, true), 1);
  return tf.logicalAnd(isOnly, tf.logicalAnd(isEnd, tf.logicalNot(isOther)));
}

/** `fitRealGrid` along an axis, which remains with length 1. */
function fitRealGrids(values: tf.Tensor2D, axis: 0 | 1, limit: number): RealGrids {
  return realGridsOf<tf.Tensor2D>(tf.min(values, axis, true), tf.max(values, axis, true), limit);
}

/** Where all values are equal the grid is that of -1 and 1. */
function realGridsOf<T extends tf.Tensor>(low: T, high: T, limit: number): RealGrids<T> {
  const isRange = tf.less(low, high);
  const one = tf.onesLike(low);
  const from = tf.where(isRange, low, tf.neg(one));
  const scale = tf.div<T>(tf.sub(tf.where(isRange, high, one), from), limit);
  return withDivisor({ scale, zero: tf.div(tf.neg(from), scale) });
}

function withDivisor<T extends tf.Tensor>({ scale, zero }: Grids<T>): RealGrids<T> {
  return { scale, zero, divisor: tf.maximum(scale, LEAST_SCALE) };
}
