import { median, medianAbsoluteDeviation } from "simple-statistics";

/** Iglewicz and Hoaglin 1993, "How to detect and handle outliers": the modified z-score, and its limit. */
const NORMAL = 0.6745;
const LIMIT = 3.5;
/** Fewer have no middle that a value could stand out from. */
const FEWEST = 5;

export type Outlier = "high" | "low" | null;

/**
 * Which values lie more than 3.5 modified z-scores (0.6745 deviations from the median over the median absolute deviation) from the
 * median. What isn't finite is `high`. Of fewer than five values, or where half of them are equal, none is judged.
 */
export function outliers(values: readonly number[]): Outlier[] {
  const finite = values.filter(Number.isFinite);
  const middle = finite.length < FEWEST ? Number.NaN : median(finite);
  const spread = finite.length < FEWEST ? 0 : medianAbsoluteDeviation(finite);
  return values.map((value) => {
    if (!Number.isFinite(value)) return "high";
    if (spread === 0 || (NORMAL * Math.abs(value - middle)) / spread <= LIMIT) return null;
    return value > middle ? "high" : "low";
  });
}
