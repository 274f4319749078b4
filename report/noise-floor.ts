import { varianceRatioTail } from "../statistics/distributions.js";
import type { Summary } from "./variance.js";

/** A spread less than this many times the noise's isn't called clearly above it, however many replicates there are. */
const CLEAR_RATIO = 2;
const SIGNIFICANCE = 0.05;

/**
 * Whether the spread over calibration sets can be told from numerical noise:
 * - `above`: more than twice the noise's standard deviation, and the ratio of variances significant (F test, one-sided,
 *   5 %, unadjusted for the number of comparisons);
 * - `unclear`: more than twice, but with so few replicates or sets that chance does that too (two replicates need a
 *   factor of about 15), or the replicates agree exactly: accuracies are multiples of 1/records, so that a few equal ones
 *   don't show that there is no noise;
 * - `within`: at most twice the noise: the two can't be told apart;
 * - `dataFree`: the method uses no data, its null control speaks; `unmeasured`: fewer than two replicates or sets.
 */
export type NoiseVerdict = "above" | "unclear" | "within" | "dataFree" | "unmeasured";

export interface NoiseFloor {
  /** Over the replicates: one calibration set, weights jittered. */
  noise: Summary;
  /** Over all sets of all sources of the size that the replicates have. */
  sets: Summary;
  /** Standard deviation over sets, in those over replicates; null: not measured, or one of them is 0. */
  ratio: number | null;
  pValue: number | null;
  verdict: NoiseVerdict;
}

export function noiseFloor(sets: Summary, noise: Summary, dataFree: boolean): NoiseFloor {
  const none = { noise, sets, ratio: null, pValue: null };
  if (dataFree) return { ...none, verdict: "dataFree" };
  if (sets.standardDeviation === null || noise.standardDeviation === null) return { ...none, verdict: "unmeasured" };
  if (sets.standardDeviation === 0) return { ...none, verdict: "within" };
  if (noise.standardDeviation === 0) return { ...none, verdict: "unclear" };
  const ratio = sets.standardDeviation / noise.standardDeviation;
  const pValue = varianceRatioTail(ratio ** 2, sets.count - 1, noise.count - 1);
  const clear = pValue < SIGNIFICANCE ? "above" : "unclear";
  return {
    ...none,
    ratio,
    pValue,
    verdict: ratio > CLEAR_RATIO ? clear : "within",
  };
}
