import { tQuantile, tTail } from "./distributions.js";
import { type SetGroup, sumOf } from "./set-group.js";

/** A weighted sum of groups' means. Groups are of different sets; all are of the same records. */
export type Term = readonly [weight: number, group: SetGroup];

/** An estimate that counts for other sets of the same sources, and for other records of the same tasks. */
export interface Estimate {
  value: number;
  standardError: number;
  /** Degrees of freedom of the standard error. */
  freedom: number;
}

/** More is as good as infinitely many. */
const MOST_FREEDOM = 1e6;

/**
 * The two-level variance of a difference in a table of sets (nested in their groups) by records (which all sets share):
 *
 *   sum over groups of weight^2 variance(set means) / sets  +  what groups gain on records that other records would not repeat
 *
 * This is the analysis of studies with several readers and several cases (Gallas 2006, Academic Radiology 13:353; Hillis
 * 2014, Statistics in Medicine 33:330), with sets for readers, records for cases, and Satterthwaite's degrees of freedom,
 * which come from the number of sets. The second term is the variance of the paired difference over records (stratified
 * by task) less what sets' own variance has of it already, and at least 0; a group's own variance is at least what its records
 * account for, so that sets which agree by chance don't pass for certainty.
 *
 * Not a percentile bootstrap over sets and records, since studies have 3 to 10 sets: resampling 3 sets gives two thirds of
 * their variance and knows nothing of how uncertain that is. Of null pairs whose sets differ by more than their records account
 * for it finds twice the 5 % to differ, and this no more than 5 % (`npm run simulate`, which draws from real outcomes too).
 * @returns null where a group has a single set: nothing then tells how much sets differ
 */
export function estimate(terms: readonly Term[]): Estimate | null {
  const value = sumOf(terms.map(([weight, { means }]) => (weight * sumOf(means)) / means.length));
  let [ofSets, ofRecordNoise, squares] = [0, 0, 0];
  for (const [weight, { means, variance, recordNoise }] of terms) {
    if (variance === null || recordNoise === null) return null;
    const own = (weight ** 2 * Math.max(variance, recordNoise)) / means.length;
    ofSets += own;
    ofRecordNoise += (weight ** 2 * recordNoise) / means.length;
    squares += own ** 2 / (means.length - 1);
  }
  const total = ofSets + Math.max(0, recordVariance(terms) - ofRecordNoise);
  const freedom = squares === 0 ? MOST_FREEDOM : Math.min(MOST_FREEDOM, total ** 2 / squares);
  return { value, standardError: Math.sqrt(total), freedom };
}

/** Of the tasks' mean difference, if records were drawn anew and sets kept. */
function recordVariance(terms: readonly Term[]): number {
  const [, { recordMeans: tasks }] = terms[0];
  const variances = tasks.map(({ length }, task) => {
    let [sum, squares] = [0, 0];
    for (let record = 0; record < length; record++) {
      let value = 0;
      for (const [weight, { recordMeans }] of terms) value += weight * recordMeans[task][record];
      sum += value;
      squares += value ** 2;
    }
    return length > 1 ? Math.max(0, squares - sum ** 2 / length) / (length - 1) / length : 0;
  });
  return sumOf(variances) / tasks.length ** 2;
}

/** Two-sided, of the hypothesis that the value is 0. */
export function pValue({ value, standardError, freedom }: Estimate): number {
  if (standardError === 0) return value === 0 ? 1 : 0;
  return tTail(value / standardError, freedom);
}

/** The interval that misses the value with probability `tail`. */
export function interval({ value, standardError, freedom }: Estimate, tail = 0.05): [low: number, high: number] {
  const half = standardError * tQuantile(tail, freedom);
  return [value - half, value + half];
}

/**
 * The smallest true difference that a study of this design finds with a probability of 80 % at the two-sided level `tail`
 * (Bloom 1995, Evaluation Review 19:547).
 */
export function smallestDetectable({ standardError, freedom }: Estimate, tail: number): number {
  return standardError * (tQuantile(tail, freedom) + tQuantile(0.4, freedom));
}

/** Holm's adjustment for several hypotheses (1979, Scandinavian Journal of Statistics 6:65), in the order given. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b]);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]));
    adjusted[index] = largest;
  });
  return adjusted;
}
