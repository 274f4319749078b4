import { mean, sampleStandardDeviation } from "simple-statistics";

/** Intervals miss the mean, at whichever look, in at most this share of studies. */
const ERROR = 0.05;

/**
 * Precision of the mixture: where the interval is narrowest. With 0.1 that is for few sets: for 3 to 6 of them as narrow as
 * Student's interval with Bonferroni's correction for eight looks, for 10 a sixth wider. Larger ones have none for 3 sets.
 */
const PRECISION = 0.1;

/**
 * Half-width of an interval for the mean of independent normal values of unknown variance, which holds at all looks at once: however
 * often one looks and whenever one stops, for as many values as there may ever be. So it needs no number of looks, and a larger
 * maximum changes no decision. Gaussian mixture over the effect size, Wang & Ramdas, Anytime-valid t-tests and confidence
 * sequences for Gaussian means with unknown variance, Sequential Analysis 44(1), 2025, Theorem 4.9 (after Lai, 1976), solved for the mean.
 * No library has it.
 * @returns in the values' unit; null where nothing can be said: too few values, one that isn't finite, or all of them equal, as
 *   coarse figures are by chance
 */
export function sequentialHalfWidth(values: readonly number[]): number | null {
  const n = values.length;
  if (n < 2 || !values.every(Number.isFinite) || values.every((value) => value === values[0])) return null;
  const weight = PRECISION / (n + PRECISION);
  // t^2 / (t^2 + n - 1) at the interval's end.
  const share = (1 - (ERROR * ERROR * weight) ** (1 / n)) / (1 - weight);
  if (share >= 1) return null;
  const t = Math.sqrt((share * (n - 1)) / (1 - share));
  return (t * sampleStandardDeviation([...values])) / Math.sqrt(n);
}

/** A mean is known when its interval has the wanted half-width. */
export interface StoppingRule {
  /** In the values' unit. */
  halfWidth: number;
  /** Values before the first look. */
  minimum: number;
}

/** How far a mean is known by some values. */
export interface Knowledge {
  /** Values until it was known, or all of them. */
  count: number;
  mean: number | null;
  halfWidth: number | null;
  known: boolean;
}

/** Looks after each value from the rule's minimum on, and stops at the first look at which the mean is known. */
export function knowledgeAfter(values: readonly number[], { halfWidth: wanted, minimum }: StoppingRule): Knowledge {
  for (let count = minimum; count <= values.length; count++) {
    const halfWidth = sequentialHalfWidth(values.slice(0, count));
    if (halfWidth !== null && halfWidth <= wanted) return knowledge(values.slice(0, count), halfWidth, true);
  }
  return knowledge(values, sequentialHalfWidth(values), false);
}

function knowledge(values: readonly number[], halfWidth: number | null, known: boolean): Knowledge {
  const isMean = values.length > 0 && values.every(Number.isFinite);
  return { count: values.length, mean: isMean ? mean([...values]) : null, halfWidth, known };
}
