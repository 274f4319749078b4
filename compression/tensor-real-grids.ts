import * as tf from "@tensorflow/tfjs-core";
import type { RunCodes } from "./method.js";
import { LEAST_SCALE } from "./real-grid.js";
import { clamped, type Grids, takeRows, valuesOf } from "./tensor-grids.js";

// real-grid.ts and grid-statistics.ts of tensors: values are [columns, rows], and each row has a grid.

/** Statistics of a group's rows in runs, on grids of their own: [1, rows] codes and what they stand for, [1, runs] grids */
type Runs = {
  values: tf.Tensor2D;
  codes: tf.Tensor2D;
  gridScales: tf.Tensor2D;
  gridZeros: tf.Tensor2D;
};

/** With what is divided by, [1, rows] */
type RealGrids = Grids & { divisor: tf.Tensor2D };

/** A group's grids in two levels: those of its rows are what `scales` and `zeros` stand for. */
export type TwoLevelGrids = RealGrids & { scales: Runs; zeros: Runs };

/** SpQR's grids of a group, whose scales and zero points are quantized in runs of rows. @param limit the largest code, as of statistics */
export function fitTwoLevels(
  values: tf.Tensor2D,
  limit: number,
  statisticsLimit: number,
  runRows: number,
): TwoLevelGrids {
  const { scale, zero } = fitRealGrids(values, 0, limit);
  const scales = quantizeRuns(scale, statisticsLimit, runRows);
  const zeros = quantizeRuns(zero, statisticsLimit, runRows);
  return { ...withDivisor({ scale: scales.values, zero: zeros.values }), scales, zeros };
}

/** `realCodeOf` of each value. @param limit the largest code; for every column a tensor, made once */
export function realCodesOf(values: tf.Tensor2D, { divisor, zero }: RealGrids, limit: tf.Scalar | number): tf.Tensor2D {
  return clamped(tf.round(tf.add(tf.div(values, divisor), zero)), limit);
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
  const none = tf.zerosLike(values);
  const lossesOn = (from: tf.Tensor2D, to: tf.Tensor2D) => {
    const grids = realGridsOf(from, to, limit);
    const codes = realCodesOf(values, grids, limit);
    return tf.square(tf.div<tf.Tensor2D>(tf.sub(valuesOf(codes, grids), values), pivots));
  };
  const own = lossesOn(low, high);
  const reductionWithout = (isEnd: tf.Tensor2D, from: tf.Tensor2D, to: tf.Tensor2D) =>
    tf.sub(tf.sum(own, 0, true), tf.sum(tf.where(isEnd, none, lossesOn(from, to)), 0, true));
  const nextLow = tf.min<tf.Tensor2D>(tf.where(isLow, Number.POSITIVE_INFINITY, values), 0, true);
  const nextHigh = tf.max<tf.Tensor2D>(tf.where(isHigh, Number.NEGATIVE_INFINITY, values), 0, true);
  const other = tf.where(isAlone(isHigh, isLow), reductionWithout(isHigh, low, nextHigh), own);
  const reduction = tf.where(isAlone(isLow, isHigh), reductionWithout(isLow, nextLow, high), other);
  const isLeft = tf.logicalNot(tf.greater(reduction, threshold));
  const left = tf.maximum(tf.sum(tf.cast(isLeft, "float32"), 0, true), 1);
  return tf.where(isLeft, values, tf.div(tf.sum(tf.where(isLeft, values, none), 0, true), left));
}

/** Where one value of a row is at this end, and it isn't at the other too. */
function isAlone(isEnd: tf.Tensor2D, isOther: tf.Tensor2D): tf.Tensor2D {
  const isOnly = tf.equal(tf.sum(tf.cast(isEnd, "float32"), 0, true), 1);
  return tf.logicalAnd(isOnly, tf.logicalAnd(isEnd, tf.logicalNot(isOther)));
}

/** Reads codes and grids of all groups. */
export function takeRuns(groups: readonly Runs[], into: RunCodes): void {
  into.codes.set(takeRows(groups.map(({ codes }) => codes)));
  into.gridScales.set(takeRows(groups.map(({ gridScales }) => gridScales)));
  into.gridZeros.set(takeRows(groups.map(({ gridZeros }) => gridZeros)));
}

/** `fitRealGrid` along an axis, which remains with length 1. */
function fitRealGrids(values: tf.Tensor2D, axis: 0 | 1, limit: number): RealGrids {
  return realGridsOf(tf.min(values, axis, true), tf.max(values, axis, true), limit);
}

/** Where all values are equal the grid is that of -1 and 1. */
function realGridsOf(low: tf.Tensor2D, high: tf.Tensor2D, limit: number): RealGrids {
  const isRange = tf.less(low, high);
  const from = tf.where<tf.Tensor2D>(isRange, low, -1);
  const scale = tf.div<tf.Tensor2D>(tf.sub(tf.where<tf.Tensor2D>(isRange, high, 1), from), limit);
  return withDivisor({ scale, zero: tf.div(tf.neg(from), scale) });
}

function withDivisor({ scale, zero }: Grids): RealGrids {
  return { scale, zero, divisor: tf.maximum(scale, LEAST_SCALE) };
}

/** `quantizeInRuns` of [1, rows] values. */
function quantizeRuns(values: tf.Tensor2D, limit: number, runRows: number): Runs {
  const rows = values.size;
  const runs = Math.ceil(rows / runRows);
  // The last value once more doesn't change its run's grid.
  const last = tf.tile<tf.Tensor2D>(tf.slice(values, [0, rows - 1]), [1, runs * runRows - rows]);
  const inRuns = tf.reshape<tf.Rank.R2>(tf.concat([values, last], 1), [runs, runRows]);
  const grids = fitRealGrids(inRuns, 1, limit);
  const codes = realCodesOf(inRuns, grids, limit);
  const inRows = (run: tf.Tensor2D) => tf.slice(tf.reshape<tf.Rank.R2>(run, [1, runs * runRows]), 0, [1, rows]);
  return {
    ...{ values: inRows(valuesOf(codes, grids)), codes: inRows(codes) },
    ...{ gridScales: tf.reshape(grids.scale, [1, runs]), gridZeros: tf.reshape(grids.zero, [1, runs]) },
  };
}
