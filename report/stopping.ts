import { type Knowledge, knowledgeAfter } from "../statistics/stopping.js";
import { isDataFree, setsOf } from "../study/cells.js";
import { grouped } from "../study/grouped.js";
import type { CellCoordinates, CellResult, SourceKnowledge, StudyResults } from "../study/results.js";
import type { StudySpec } from "../study/spec.js";
import { stoppingMeasure } from "../study/stopping.js";
import { measuresOf, type Reader, readerOf } from "./measures.js";

/**
 * How far the mean of a source is known by these cells of it, in the order of their sets. A method that looks at no data is known
 * by equal figures; of others these say nothing.
 * @param cells of one model, method, size and source
 */
export function meanKnowledge(spec: StudySpec, cells: readonly CellResult[]): Knowledge {
  const { halfWidth, minimum } = ruleOf(spec);
  const read = readerFor(spec, cells);
  const values = cells.map((cell) => read(cell) ?? Number.NaN);
  const first = values.slice(0, minimum);
  const isControl = cells.some(({ method }) => method !== null && isDataFree(method.method));
  if (isControl && first.length === minimum && first.every((value) => value === first[0])) {
    return { count: minimum, mean: first[0], halfWidth: 0, known: true };
  }
  return knowledgeAfter(values, { halfWidth, minimum });
}

type Left = Pick<StudyResults, "cells" | "failed" | "skipped">;

/** Of every model, method, size and source of a study with `stopping`; a source without a finished cell has none. */
export function sourcesKnowledge(spec: StudySpec, { cells, failed, skipped }: Left): SourceKnowledge[] {
  const drawn = cells.filter(({ set, noise }) => set !== null && noise === null);
  const others = [...failed, ...skipped];
  return grouped(drawn, groupOf).map(([group, own]) => {
    const sorted = own.toSorted((a, b) => Number(a.set) - Number(b.set));
    const { count, halfWidth, known } = meanKnowledge(spec, sorted);
    const last = sorted[count - 1]?.set ?? null;
    const isAfter = ({ set }: CellCoordinates) => Number(set) > Number(last);
    const tried = [...sorted, ...others.filter((cell) => cell.noise === null && groupOf(cell) === group)];
    const { model, methodLabel, source, size } = sorted[0];
    return {
      ...{ model, methodLabel, source: source ?? "", size: size ?? 0, measure: stoppingMeasure(spec) ?? "" },
      ...{ sets: count, of: setsOf(spec), last, halfWidth, wanted: ruleOf(spec).halfWidth, known },
      notNeeded: known ? setsOf(spec) - 1 - Number(last) - tried.filter(isAfter).length : 0,
    };
  });
}

/** Whether a cell's source is known without it. */
export function isNotNeeded(knowledge: readonly SourceKnowledge[], cell: CellCoordinates): boolean {
  const own = knowledge.find((each) => cell.noise === null && groupOf(each) === groupOf(cell));
  return own?.known === true && Number(cell.set) > Number(own.last);
}

type Group = Pick<CellCoordinates, "model" | "methodLabel" | "source" | "size">;

function groupOf({ model, methodLabel, source, size }: Group): string {
  return JSON.stringify([model, methodLabel, source, size]);
}

/** In the unit of the measure's values: accuracies are in 0..1, and the specification speaks of percentage points. */
function ruleOf(spec: StudySpec) {
  const { halfWidth = 0, minimum = 0 } = spec.stopping ?? {};
  return { halfWidth: stoppingMeasure(spec) === "tasksMean" ? halfWidth / 100 : halfWidth, minimum };
}

function readerFor(spec: StudySpec, cells: readonly CellResult[]): Reader {
  const measures = measuresOf({ cells });
  const measure = measures.find(({ key }) => key === stoppingMeasure(spec));
  return measure === undefined ? () => undefined : readerOf(spec.evaluation, measures, measure);
}
