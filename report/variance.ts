import { mean, sampleStandardDeviation, sum } from "simple-statistics";
import { varianceRatioTail } from "../statistics/distributions.js";

/** Of the values that are finite; null where there are too few values to say. */
export interface Summary {
  count: number;
  /** Values left out because they are NaN or infinite. */
  excluded: number;
  mean: number | null;
  /** Sample standard deviation (n - 1). */
  standardDeviation: number | null;
  min: number | null;
  max: number | null;
}

export function summarize(values: readonly number[]): Summary {
  const finite = values.filter(Number.isFinite);
  const count = finite.length;
  const excluded = values.length - count;
  if (count === 0) return { count, excluded, mean: null, standardDeviation: null, min: null, max: null };
  const min = Math.min(...finite);
  const max = Math.max(...finite);
  // A mean is rounded and can miss the one value that all share: equal values have to spread by exactly 0.
  if (min === max) return { count, excluded, mean: min, standardDeviation: count > 1 ? 0 : null, min, max };
  return { count, excluded, mean: mean(finite), standardDeviation: sampleStandardDeviation(finite), min, max };
}

export interface VarianceComponents {
  /** Standard deviation of sets within a source, pooled over the sources. */
  withinSources: number | null;
  /** Share of variance that the source explains, 0..1; what is left is the choice of the set within a source. */
  sourceShare: number | null;
  /** Of the hypothesis that the source makes no difference (one-way analysis of variance). */
  pValue: number | null;
}

/**
 * One-way random-effects analysis of variance (Searle, Casella & McCulloch, Variance Components, 1992, ch. 3): the share
 * is the source's variance component in the sum of both, which few sets don't bias upwards as they do a plain ratio of
 * sums of squares. Groups are sources, their members the sets' values; non-finite values are left out.
 */
export function varianceComponents(groups: readonly (readonly number[])[]): VarianceComponents {
  const finite = groups.map((group) => group.filter(Number.isFinite)).filter((group) => group.length > 0);
  const total = sum(finite.map((group) => group.length));
  const withinFreedom = total - finite.length;
  // As in summarize: means are rounded, and equal values have to have no variance at all.
  if (withinFreedom >= 1 && new Set(finite.flat()).size === 1)
    return { withinSources: 0, sourceShare: null, pValue: null };
  const betweenFreedom = finite.length - 1;
  if (withinFreedom < 1) return { withinSources: null, sourceShare: null, pValue: null };
  const means = finite.map((group) => summarize(group).mean ?? 0);
  const squares = (values: readonly number[], centre: number) => sum(values.map((value) => (value - centre) ** 2));
  const within = sum(finite.map((group, i) => squares(group, means[i]))) / withinFreedom;
  const withinSources = Math.sqrt(within);
  if (betweenFreedom < 1) return { withinSources, sourceShare: null, pValue: null };
  const grand = sum(finite.map((group, i) => group.length * means[i])) / total;
  const between = sum(finite.map((group, i) => group.length * (means[i] - grand) ** 2)) / betweenFreedom;
  const typicalSize = (total - sum(finite.map((group) => group.length ** 2)) / total) / betweenFreedom;
  const component = Math.max(0, (between - within) / typicalSize);
  return {
    withinSources,
    sourceShare: component === 0 ? 0 : component / (component + within),
    pValue: varianceRatioTail(between / within, betweenFreedom, withinFreedom),
  };
}
