import { mean } from "simple-statistics";
import { type Estimate, estimate, holm, interval, pValue, smallestDetectable, type Term } from "./contrast.js";
import { type Superiority, superiority } from "./superiority.js";

/** Holm's correction keeps the probability of any false finding in a family below this. */
export const SIGNIFICANCE = 0.05;

/** First minus second, in accuracy (0..1). */
export interface ComparisonFigures extends Estimate {
  /** At 95 %, for this comparison alone. */
  low: number;
  high: number;
  /** Holds for all comparisons of the family together (Bonferroni): for what is picked after looking. */
  familyLow: number;
  familyHigh: number;
  /** Two-sided. */
  pValue: number;
  /** By Holm's method, over the family. */
  correctedP: number;
  /** The difference in standard deviations between sets (of one source; pooled over those compared); null where that is 0. */
  effectSize: number | null;
  /** The least true difference found with a probability of 80 %, as corrected. */
  detectable: number;
  /** null where the same sets are compared. */
  superiority: Superiority | null;
}

export interface Comparison {
  first: string;
  second: string;
  /** Sets that each side's figures are from. */
  sets: readonly [first: number, second: number];
  figures: ComparisonFigures | null;
  /** What is missing for figures; null where there are some. */
  missing: string | null;
}

/** What is compared, before any figure. */
export interface Contrast {
  first: string;
  second: string;
  sets: readonly [first: number, second: number];
  terms: readonly Term[];
  /** Whether the two sides are of different sets, one term each. */
  unpaired?: boolean;
}

/** Compares, and corrects over all that can be compared. */
export function compareFamily(contrasts: readonly Contrast[]): Comparison[] {
  const estimates = contrasts.map(({ terms }) => (terms.length === 0 ? null : estimate(terms)));
  const known = estimates.filter((each) => each !== null);
  const corrected = holm(known.map(pValue));
  const tail = SIGNIFICANCE / known.length;
  return contrasts.map(({ first, second, sets, terms, unpaired }, i) => {
    const own = estimates[i];
    if (own === null) {
      const reason = sets.some((count) => count === 0) ? "no set has finished" : "two sets at least are needed";
      return { first, second, sets, figures: null, missing: reason };
    }
    const [[low, high], [familyLow, familyHigh]] = [interval(own), interval(own, tail)];
    const figures = {
      ...own,
      ...{ low, high, familyLow, familyHigh },
      pValue: pValue(own),
      correctedP: corrected[known.indexOf(own)],
      effectSize: effectSize(own, terms),
      detectable: smallestDetectable(own, tail),
      superiority: unpaired ? superiority(terms[0][1].means, terms[1][1].means) : null,
    };
    return { first, second, sets, figures, missing: null };
  });
}

function effectSize({ value }: Estimate, terms: readonly Term[]): number | null {
  const deviation = Math.sqrt(mean(terms.map(([, { variance }]) => variance ?? 0)));
  return deviation === 0 ? null : value / deviation;
}
