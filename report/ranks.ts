import { permutationsHeap, sampleRankCorrelation } from "simple-statistics";
import { varianceRatioTail } from "../statistics/distributions.js";

/** Spearman's rank correlation, ties at their mean rank. */
export interface RankAgreement {
  /** Pairs of finite values. */
  count: number;
  /** null: fewer than three pairs, or one side the same for all. */
  correlation: number | null;
  /** Two-sided, of the hypothesis that the one's order says nothing about the other's. */
  pValue: number | null;
}

/** Below it all orders are counted, from it on the t distribution is taken (Kendall & Gibbons, Rank Correlation Methods, 1990, ch. 4). */
const MANY = 8;
const ROUNDING = 1e-9;

export function rankAgreement(pairs: readonly (readonly [number | null, number | null])[]): RankAgreement {
  const known = pairs.filter((pair): pair is readonly [number, number] => pair.every(Number.isFinite));
  const [first, second] = [known.map(([a]) => a), known.map(([, b]) => b)];
  const count = known.length;
  const correlation = count < 3 ? Number.NaN : sampleRankCorrelation(first, second);
  if (!Number.isFinite(correlation)) return { count, correlation: null, pValue: null };
  const pValue = count < MANY ? exactTail(first, second, correlation) : correlationTail(correlation, count);
  return { count, correlation, pValue };
}

/** Share of all orders of the second with a correlation as far from 0. */
function exactTail(first: number[], second: number[], correlation: number): number {
  const orders = permutationsHeap([...second]);
  const far = orders.filter(
    (order) => Math.abs(sampleRankCorrelation(first, order)) >= Math.abs(correlation) - ROUNDING,
  );
  return far.length / orders.length;
}

/** P(|r| >= that of the correlation) for so many pairs without any relation: r as Student's t. null: fewer than three pairs. */
export function correlationTail(correlation: number, count: number): number | null {
  if (count < 3) return null;
  const rest = 1 - correlation ** 2;
  const ratio = rest <= 0 ? Number.POSITIVE_INFINITY : (correlation ** 2 * (count - 2)) / rest;
  return varianceRatioTail(ratio, 1, count - 2);
}

/** 1 for the best of some values; ties share the mean of their ranks. */
export function ranksOf(values: readonly number[], best: "highest" | "lowest"): number[] {
  const sign = best === "highest" ? -1 : 1;
  return values.map((value) => {
    const before = values.filter((other) => sign * (other - value) < 0).length;
    const equal = values.filter((other) => other === value).length;
    return before + (equal + 1) / 2;
  });
}
