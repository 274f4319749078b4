import { sampleCorrelation } from "simple-statistics";
import type { CellResult, StudyResults } from "../study/results.js";
import { headlines, type Measure, type Reader, readerOf } from "./measures.js";
import { correlationTail, type RankAgreement, rankAgreement } from "./ranks.js";
import type { MethodStatistics, StudyStatistics } from "./statistics.js";
import { type Summary, summarize } from "./variance.js";

/** A model beside the one that it was made from, on the same calibration sets. */
export interface TunedPair {
  base: string;
  tuned: string;
  comparisons: readonly PairComparison[];
}

export interface PairComparison {
  method: string;
  /** The measure's key. */
  measure: string;
  /** Of the sets of the largest size that both have finite figures for. */
  baseSpread: Summary;
  tunedSpread: Summary;
  /** That both models spread alike; null: fewer than `FEWEST_SETS`, or one side the same for all. */
  pValue: number | null;
  /** Of the sources' means: 1 where both models rank the sources alike. */
  sources: RankAgreement;
}

export const FEWEST_SETS = 4;

/** For the pairs that the specification names, and each method that uses data, in both. */
export function tunedPairs(results: StudyResults, statistics: StudyStatistics): TunedPair[] {
  const { models, measures } = statistics;
  const methodsOf = (id: string) => models.find(({ model }) => model === id)?.methods ?? [];
  return (results.models ?? []).flatMap(({ id: tuned, base }) => {
    if (base === null) return [];
    const rivals = methodsOf(base);
    const comparisons = methodsOf(tuned).flatMap((method) => {
      const rival = rivals.find((each) => each.method === method.method);
      if (rival === undefined || method.dataFree) return [];
      return headlines(measures).map((measure) =>
        compare({ base, tuned }, rival, method, measure, results, readerOf(results, measures, measure)),
      );
    });
    return [{ base, tuned, comparisons }];
  });
}

function compare(
  pair: { base: string; tuned: string },
  base: MethodStatistics,
  tuned: MethodStatistics,
  { key }: Measure,
  results: StudyResults,
  read: Reader,
): PairComparison {
  const size = tuned.sizes.at(-1)?.size;
  const valuesOf = (model: string) =>
    new Map(
      results.cells
        .filter(
          (cell) =>
            cell.model === model && cell.methodLabel === tuned.method && cell.noise === null && cell.size === size,
        )
        .map((cell) => [setName(cell), read(cell) ?? Number.NaN]),
    );
  const after = valuesOf(pair.tuned);
  const pairs = [...valuesOf(pair.base)]
    .map(([set, value]) => [value, after.get(set) ?? Number.NaN] as const)
    .filter((values) => values.every(Number.isFinite));
  const meanOf = (method: MethodStatistics, source: string) =>
    method.sizes.find((each) => each.size === size)?.sources.find((each) => each.source === source)?.measures[key]
      ?.mean ?? null;
  const sources = tuned.sizes.at(-1)?.sources.map(({ source }) => source) ?? [];
  return {
    method: tuned.method,
    measure: key,
    baseSpread: summarize(pairs.map(([value]) => value)),
    tunedSpread: summarize(pairs.map(([, value]) => value)),
    pValue: equalSpreadTail(pairs),
    sources: rankAgreement(sources.map((source) => [meanOf(base, source), meanOf(tuned, source)] as const)),
  };
}

function setName({ source, set }: CellResult): string {
  return JSON.stringify([source, set]);
}

/**
 * Pitman and Morgan's test (Biometrika 31, 1939): two paired variables have equal variances where their sum and their difference
 * are uncorrelated. The sets are the same for both models, which an F test would take for independent.
 */
export function equalSpreadTail(pairs: readonly (readonly [number, number])[]): number | null {
  if (pairs.length < FEWEST_SETS) return null;
  const correlation = sampleCorrelation(
    pairs.map(([a, b]) => a + b),
    pairs.map(([a, b]) => a - b),
  );
  return Number.isFinite(correlation) ? correlationTail(correlation, pairs.length) : null;
}
