import { quantileSorted, sampleVariance } from "simple-statistics";

/** In 0..1, with its interval at 95 %. */
export interface Share {
  share: number;
  low: number;
  high: number;
}

/** Where the variance over a method's sets comes from; the three shares sum to 1. */
export interface VarianceShares {
  source: Share;
  /** Of the set within a source: above numerical noise, where that was measured, else with it. */
  set: Share;
  /** null: fewer than two noise replicates. */
  noise: Share | null;
}

const DRAWS = 4000;

/**
 * Variance components of a one-way random-effects table (Searle, Casella & McCulloch, Variance Components, 1992, ch. 3), that of
 * sets divided further by what noise replicates say. Intervals are generalized confidence intervals, as for gauge studies
 * of the same layout (Burdick, Borror & Montgomery 2005, Design and Analysis of Gauge R&R Studies, appendix B): each sum of
 * squares over a chi-square number of its degrees of freedom, which is exact in spirit for any number of sets.
 * @param groups by source, the sets' values; `replicates` those of one set under numerical noise; all finite
 * @param uniform random numbers in 0..1
 * @returns what is missing, where there are too few values; null where all are equal, so that there is nothing to share out
 */
export function varianceShares(
  groups: readonly (readonly number[])[],
  replicates: readonly number[],
  uniform: () => number,
): VarianceShares | { missing: string } | null {
  const used = groups.filter((group) => group.length > 0);
  const total = used.reduce((sum, group) => sum + group.length, 0);
  if (used.length < 2) return { missing: "two sources at least" };
  if (total === used.length) return { missing: "two sets a source at least" };
  if (new Set(used.flat()).size === 1) return null;
  const means = used.map((group) => group.reduce((sum, value) => sum + value, 0) / group.length);
  const grand = used.flat().reduce((sum, value) => sum + value, 0) / total;
  const squares = {
    between: used.reduce((sum, group, i) => sum + group.length * (means[i] - grand) ** 2, 0),
    within: used.reduce((sum, group, i) => sum + group.reduce((own, value) => own + (value - means[i]) ** 2, 0), 0),
    noise: replicates.length > 1 ? sampleVariance([...replicates]) * (replicates.length - 1) : 0,
  };
  const freedom = { between: used.length - 1, within: total - used.length, noise: replicates.length - 1 };
  const sizes = used.reduce((sum, group) => sum + group.length ** 2, 0);
  const typicalSize = (total - sizes / total) / freedom.between;
  const sharesOf = (between: number, within: number, noise: number) => {
    const source = Math.max(0, (between - within) / typicalSize);
    const ofNoise = Math.min(noise, within);
    const all = source + within;
    return { source: source / all, set: (within - ofNoise) / all, noise: ofNoise / all };
  };
  const measured = replicates.length > 1;
  const over = (divisor: (freedom: number) => number) =>
    sharesOf(
      squares.between / divisor(freedom.between),
      squares.within / divisor(freedom.within),
      measured ? squares.noise / divisor(freedom.noise) : 0,
    );
  const point = over((freedom) => freedom);
  const draws = Array.from({ length: DRAWS }, () => over((freedom) => chiSquare(freedom, uniform)));
  const shareOf = (part: keyof typeof point): Share => {
    const sorted = draws.map((draw) => draw[part]).sort((a, b) => a - b);
    return { share: point[part], low: quantileSorted(sorted, 0.025), high: quantileSorted(sorted, 0.975) };
  };
  return { source: shareOf("source"), set: shareOf("set"), noise: measured ? shareOf("noise") : null };
}

/** A chi-square number: two degrees of freedom from each logarithm, an odd one from a squared normal number (Box & Muller 1958). */
function chiSquare(freedom: number, uniform: () => number): number {
  let sum = 0;
  for (let i = 0; i < Math.floor(freedom / 2); i++) sum -= 2 * Math.log(1 - uniform());
  if (freedom % 2 === 1) sum -= 2 * Math.log(1 - uniform()) * Math.cos(2 * Math.PI * uniform()) ** 2;
  return sum;
}
