import { mean, sampleCovariance } from "simple-statistics";
import type { OutcomeTask } from "../statistics/outcomes.js";
import { toNumber } from "../study/figures.js";
import type { CellResult, StudyResults } from "../study/results.js";
import { countOf, formatLevel, formatPercent } from "./numbers.js";

/** A task on which the dense model does no better than guessing: what compression does to it is chance, not damage. */
export interface GuessedTask {
  task: string;
  /** The dense model's accuracy and its standard error. */
  accuracy: number;
  standardError: number;
  /** What the dense model doesn't clearly beat: guessing at random, or always the most frequent answer. */
  guess: "chance" | "majority";
  guessAccuracy: number;
  /** Its part in the variance of the tasks' mean over the sets (all tasks' parts sum to 1); null: fewer than two sets, or no variance. */
  share: number | null;
  /** Tasks in the mean. */
  tasks: number;
}

/** The guessed tasks of a model, by their part in the spread of the mean, the largest first. */
export function guessedTasks(
  { cells, tableMetric }: StudyResults,
  tasks: readonly OutcomeTask[],
  model: string,
): GuessedTask[] {
  const own = cells.filter((cell) => cell.model === model);
  const dense = own.find(({ method }) => method === null);
  if (dense === undefined) return [];
  const compressed = own.filter(({ method, noise }) => method !== null && noise === null);
  return tasks
    .flatMap(({ task, chance, majority }) => {
      const [accuracy, standardError] = figuresOf(dense, task, tableMetric);
      if (accuracy === undefined || standardError === undefined) return [];
      const guess = majority !== null && majority > chance ? ("majority" as const) : ("chance" as const);
      const guessAccuracy = Math.max(chance, majority ?? 0);
      if (accuracy - guessAccuracy > standardError) return [];
      const share = shareOf(compressed, task, tasks, tableMetric);
      return [{ task, accuracy, standardError, guess, guessAccuracy, share, tasks: tasks.length }];
    })
    .sort((a, b) => (b.share ?? 0) - (a.share ?? 0));
}

/** "boolq makes up 61 % of the variance of mean accuracy, but ...". */
export function guessedTaskText({ task, share, tasks, guess, ...figures }: GuessedTask): string {
  const [accuracy, error, guessed] = [figures.accuracy, figures.standardError, figures.guessAccuracy].map((value) =>
    formatLevel(value, "task"),
  );
  const by = guess === "chance" ? "guessing at random" : "always giving the most frequent answer";
  const reason = `the dense model (${accuracy} %, standard error ${error}) does no better there than ${by} (${guessed} %)`;
  if (share === null || share * tasks <= 1) return `${task}: ${reason}.`;
  return `${task} moves the mean: ${formatPercent(share)} of its variance over the sets is from this one of ${countOf(tasks, "task")}, but ${reason}.`;
}

function figuresOf(cell: CellResult, task: string, tableMetric: StudyResults["tableMetric"]) {
  const evaluation = cell.evaluations.find(({ id, kind }) => id === task && kind === "task");
  const metric = tableMetric === "accNorm" && evaluation?.metrics.acc_norm !== undefined ? "acc_norm" : "acc";
  return [toNumber(evaluation?.metrics[metric]), toNumber(evaluation?.standardErrors[metric])];
}

/** Covariance of a task with the tasks' sum, in the variance of that sum, over a model's sets, each method by itself. */
function shareOf(
  cells: readonly CellResult[],
  task: string,
  tasks: readonly OutcomeTask[],
  tableMetric: StudyResults["tableMetric"],
): number | null {
  let [own, all] = [0, 0];
  for (const method of new Set(cells.map(({ methodLabel }) => methodLabel))) {
    const rows = cells
      .filter(({ methodLabel }) => methodLabel === method)
      .map((cell) => tasks.map((each) => figuresOf(cell, each.task, tableMetric)[0]))
      .filter((row) => row.every((value) => value !== undefined));
    if (rows.length < 2) continue;
    const means = rows.map((row) => mean(row));
    const column = rows.map((row) => row[tasks.findIndex((each) => each.task === task)]);
    own += (sampleCovariance(column, means) * rows.length) / tasks.length;
    all += sampleCovariance(means, means) * rows.length;
  }
  return all === 0 ? null : own / all;
}
