import type { StudyResults } from "../study/results.js";
import { readerOf, unperturbed } from "./measures.js";
import type { ModelStatistics, StudyStatistics } from "./statistics.js";

/** The least and the largest figure of a measure over all sets of a method, and whose they are. */
export interface Extremes {
  method: string;
  /** The measure's key. */
  measure: string;
  least: SetFigure;
  most: SetFigure;
}

export interface SetFigure {
  source: string;
  set: number;
  size: number;
  value: number;
}

/** For each method that uses data and each measure that has two finite figures or more, of the largest sets. */
export function extremes(
  results: StudyResults,
  { measures }: StudyStatistics,
  { model, methods }: ModelStatistics,
): Extremes[] {
  return methods
    .filter(({ dataFree }) => !dataFree)
    .flatMap(({ method, sizes }) => {
      const size = sizes.at(-1)?.size ?? 0;
      const cells = results.cells.filter(
        (cell) => cell.model === model && cell.methodLabel === method && cell.noise === null && cell.size === size,
      );
      return unperturbed(measures).flatMap((measure) => {
        const read = readerOf(results, measures, measure);
        const figures = cells
          .map((cell) => ({ source: cell.source ?? "", set: cell.set ?? 0, size, value: read(cell) ?? Number.NaN }))
          .filter(({ value }) => Number.isFinite(value));
        if (figures.length < 2) return [];
        const least = figures.reduce((low, each) => (each.value < low.value ? each : low));
        const most = figures.reduce((high, each) => (each.value > high.value ? each : high));
        return [{ method, measure: measure.key, least, most }];
      });
    });
}
