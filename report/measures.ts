import { toNumber } from "../study/figures.js";
import type { CellResult, Evaluation, StudyResults } from "../study/results.js";

/** A column of the report's tables: one task's accuracy, the mean over all tasks, or one perplexity. */
export interface Measure {
  /** Unique in a report, also where a task and a perplexity text share a name. */
  key: string;
  id: string;
  kind: "tasksMean" | "task" | "perplexity";
}

/**
 * All measures of a study: the tasks' mean (where there are tasks), the tasks, then the perplexities, each in the order in
 * which the cells name them. A task's own perplexity (LAMBADA has one) is no column: it stands in the CSV and the JSON.
 */
export function measuresOf(results: StudyResults): Measure[] {
  const named = (kind: Evaluation["kind"]): Measure[] => {
    const ids = results.cells.flatMap(({ evaluations }) => evaluations.filter((e) => e.kind === kind).map((e) => e.id));
    return [...new Set(ids)].map((id) => ({ key: `${kind}:${id}`, id, kind }));
  };
  const tasks = named("task");
  const mean: Measure[] = tasks.length > 0 ? [{ key: "tasksMean", id: "mean accuracy", kind: "tasksMean" }] : [];
  return [...mean, ...tasks, ...named("perplexity")];
}

/** The measures that sum a model up, one chart each: the tasks' mean and the perplexities. */
export function headlines(measures: readonly Measure[]): Measure[] {
  return measures.filter(({ kind }) => kind !== "task");
}

/** Reads one measure from a cell: an accuracy in 0..1 or a perplexity, possibly NaN or infinite; undefined: not measured. */
export type Reader = (cell: CellResult) => number | undefined;

/**
 * The tasks' mean is taken over the set's own tasks (evaluation.md, Study statistics), and only where all of the study's
 * tasks are there: a mean over other tasks would be another quantity.
 */
export function readerOf(results: StudyResults, measures: readonly Measure[], measure: Measure): Reader {
  if (measure.kind === "tasksMean") {
    const readers = measures.filter(({ kind }) => kind === "task").map((task) => readerOf(results, measures, task));
    return (cell) => meanOf(readers.map((read) => read(cell)));
  }
  return (cell) => {
    const evaluation = cell.evaluations.find(({ id, kind }) => id === measure.id && kind === measure.kind);
    return evaluation && toNumber(evaluation.metrics[tableMetric(evaluation, results.tableMetric)]);
  };
}

function tableMetric({ kind, metrics }: Evaluation, choice: StudyResults["tableMetric"]): string {
  if (kind === "perplexity") return "perplexity" in metrics ? "perplexity" : (Object.keys(metrics)[0] ?? "perplexity");
  return choice === "accNorm" && "acc_norm" in metrics ? "acc_norm" : "acc";
}

function meanOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length < values.length ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}
