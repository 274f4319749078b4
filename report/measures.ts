import { rounded } from "../statistics/set-group.js";
import { toNumber } from "../study/figures.js";
import type { CellResult, Evaluation, StudyResults } from "../study/results.js";
import { isUnperturbed, splitTaskName } from "../study/task-name.js";

/** A column of the report's tables. */
export interface Measure {
  /** Unique in a report, also where a task and a perplexity text share a name. */
  key: string;
  id: string;
  /**
   * One task's accuracy, the mean over all tasks, or one perplexity; one perturbed task's accuracy, how much less that is than
   * the same task's without perturbation, or the mean of such losses.
   */
  kind: "tasksMean" | "task" | "perplexity" | "perturbed" | "lost" | "lostMean";
}

/**
 * All measures of a study: the tasks' mean (where there are tasks), the tasks, then the perplexities, then what perturbed
 * tasks say, each in the order in which the cells name them. A task's own perplexity (LAMBADA has one) is no column: it
 * stands in the CSV and the JSON.
 */
export function measuresOf(results: Pick<StudyResults, "cells">): Measure[] {
  const named = (kind: Evaluation["kind"]): Measure[] => {
    const ids = results.cells.flatMap(({ evaluations }) => evaluations.filter((e) => e.kind === kind).map((e) => e.id));
    return [...new Set(ids)].map((id) => ({ key: `${kind}:${id}`, id, kind }));
  };
  const everyTask = named("task");
  const tasks = everyTask.filter(({ id }) => isUnperturbed(id));
  const mean: Measure[] = tasks.length > 0 ? [{ key: "tasksMean", id: "mean accuracy", kind: "tasksMean" }] : [];
  return [...mean, ...tasks, ...named("perplexity"), ...perturbedMeasures(everyTask)];
}

/** Losses are those of tasks that are measured without perturbation too; their means are by perturbation, and over all. */
function perturbedMeasures(tasks: readonly Measure[]): Measure[] {
  const perturbed = tasks.filter(({ id }) => splitTaskName(id).perturbation !== null);
  const comparable = perturbed.filter(({ id }) => tasks.some((task) => task.id === splitTaskName(id).task));
  const perturbations = [...new Set(comparable.map(({ id }) => splitTaskName(id).perturbation ?? ""))];
  const means = perturbations.length > 1 ? [ALL_PERTURBATIONS, ...perturbations] : perturbations;
  return [
    ...means.map((id) => ({ key: `lostMean:${id}`, id, kind: "lostMean" as const })),
    ...comparable.map(({ id }) => ({ key: `lost:${id}`, id, kind: "lost" as const })),
    ...perturbed.map((task) => ({ ...task, kind: "perturbed" as const })),
  ];
}

const ALL_PERTURBATIONS = "all perturbations";

/** The measures that sum a model up, one chart each: the tasks' mean and the perplexities. */
export function headlines(measures: readonly Measure[]): Measure[] {
  return measures.filter(({ kind }) => kind === "tasksMean" || kind === "perplexity");
}

/** What is said about inputs as they are. */
export function unperturbed(measures: readonly Measure[]): Measure[] {
  return measures.filter(({ kind }) => kind === "task" || kind === "tasksMean" || kind === "perplexity");
}

/** Accuracies lost, each a mean over the tasks; the first over all perturbations where there are several. */
export function meanLosses(measures: readonly Measure[]): Measure[] {
  return measures.filter(({ kind }) => kind === "lostMean");
}

/** Reads one measure from a cell: an accuracy in 0..1 or a perplexity, possibly NaN or infinite; undefined: not measured. */
export type Reader = (cell: CellResult) => number | undefined;

type TableMetric = Pick<StudyResults, "tableMetric">;

/**
 * The tasks' mean is taken over the set's own tasks, and only where all of the study's tasks are there: a mean over
 * other tasks would be another quantity.
 */
export function readerOf(results: TableMetric, measures: readonly Measure[], measure: Measure): Reader {
  const { id, kind } = measure;
  switch (kind) {
    case "tasksMean":
      return meanReader(
        results,
        measures.filter((task) => task.kind === "task"),
      );
    case "lostMean":
      return meanReader(
        results,
        measures.filter(
          (lost) => lost.kind === "lost" && [splitTaskName(lost.id).perturbation, ALL_PERTURBATIONS].includes(id),
        ),
      );
    case "lost": {
      const [clean, perturbed] = [splitTaskName(id).task, id].map((task) => figureReader(results, "task", task));
      return (cell) => difference(clean(cell), perturbed(cell));
    }
    case "task":
    case "perturbed":
      return figureReader(results, "task", id);
    case "perplexity":
      return figureReader(results, kind, id);
  }
}

function meanReader(results: TableMetric, measures: readonly Measure[]): Reader {
  const readers = measures.map((measure) => readerOf(results, measures, measure));
  return (cell) => meanOf(readers.map((read) => read(cell)));
}

function figureReader(results: TableMetric, kind: Evaluation["kind"], id: string): Reader {
  return (cell) => {
    const evaluation = cell.evaluations.find((each) => each.id === id && each.kind === kind);
    return evaluation && toNumber(evaluation.metrics[tableMetric(evaluation, results.tableMetric)]);
  };
}

/** First minus second. */
export function difference(clean: number | undefined, perturbed: number | undefined): number | undefined {
  return clean === undefined || perturbed === undefined ? undefined : rounded(clean - perturbed);
}

function tableMetric({ kind, metrics }: Evaluation, choice: StudyResults["tableMetric"]): string {
  if (kind === "perplexity") return "perplexity" in metrics ? "perplexity" : (Object.keys(metrics)[0] ?? "perplexity");
  return choice === "accNorm" && "acc_norm" in metrics ? "acc_norm" : "acc";
}

function meanOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length < values.length
    ? undefined
    : rounded(known.reduce((sum, value) => sum + value, 0) / known.length);
}
