import type { StudyResults } from "../study/results.js";
import { type Measure, readerOf } from "./measures.js";
import { ranksOf } from "./ranks.js";
import type { ModelStatistics, StudyStatistics } from "./statistics.js";

/** The calibration sets that perplexity and accuracy disagree on most, of one method. */
export interface Disagreement {
  method: string;
  /** The perplexity's key. */
  measure: string;
  /** Sets ranked: those of the largest size with both figures finite. */
  sets: number;
  cells: readonly DiscordantCell[];
}

export interface DiscordantCell {
  source: string;
  set: number;
  size: number;
  perplexity: number;
  /** The tasks' mean, 0..1. */
  accuracy: number;
  /** 1 is the best; ties have the mean of their ranks. */
  rankByPerplexity: number;
  rankByAccuracy: number;
}

export const FEWEST_SETS = 4;
const MOST_SHOWN = 5;

/** For each method that uses data and each perplexity; where there are too few sets, without cells. */
export function disagreements(
  results: StudyResults,
  { measures }: StudyStatistics,
  { model, methods }: ModelStatistics,
): Disagreement[] {
  const mean = measures.find(({ kind }) => kind === "tasksMean");
  if (mean === undefined) return [];
  const using = methods.filter(({ dataFree, sizes }) => !dataFree && sizes.length > 0);
  return using.flatMap(({ method, sizes }) =>
    measures
      .filter(({ kind }) => kind === "perplexity")
      .map((measure) => {
        const place = { model, methodLabel: method, size: sizes.at(-1)?.size ?? 0 };
        const known = cellsWithBoth(results, measures, mean, measure, place);
        return { method, measure: measure.key, sets: known.length, cells: mostDiscordant(known) };
      }),
  );
}

type Known = Omit<DiscordantCell, "rankByPerplexity" | "rankByAccuracy">;

function cellsWithBoth(
  results: StudyResults,
  measures: readonly Measure[],
  mean: Measure,
  perplexity: Measure,
  { model, methodLabel, size }: { model: string; methodLabel: string; size: number },
): Known[] {
  const [accuracyOf, perplexityOf] = [mean, perplexity].map((measure) => readerOf(results, measures, measure));
  return results.cells
    .filter(
      (cell) => cell.model === model && cell.methodLabel === methodLabel && cell.size === size && cell.noise === null,
    )
    .map((cell) => ({
      source: cell.source ?? "",
      set: cell.set ?? 0,
      size,
      perplexity: perplexityOf(cell) ?? Number.NaN,
      accuracy: accuracyOf(cell) ?? Number.NaN,
    }))
    .filter((cell) => Number.isFinite(cell.perplexity) && Number.isFinite(cell.accuracy));
}

function mostDiscordant(known: readonly Known[]): DiscordantCell[] {
  if (known.length < FEWEST_SETS) return [];
  const byPerplexity = ranksOf(
    known.map(({ perplexity }) => perplexity),
    "lowest",
  );
  const byAccuracy = ranksOf(
    known.map(({ accuracy }) => accuracy),
    "highest",
  );
  const distance = (cell: DiscordantCell) => Math.abs(cell.rankByPerplexity - cell.rankByAccuracy);
  return known
    .map((cell, i) => ({ ...cell, rankByPerplexity: byPerplexity[i], rankByAccuracy: byAccuracy[i] }))
    .filter((cell) => distance(cell) > 0)
    .sort((a, b) => distance(b) - distance(a))
    .slice(0, MOST_SHOWN);
}
