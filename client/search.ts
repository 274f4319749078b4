import { writeRecord } from "../activities/cell-records.js";
import { completeSpec } from "../activities/plan-study.js";
import { readTaskRecords } from "../evaluation/records.js";
import { studyTask } from "../evaluation/study-task.js";
import { measuresOf, readerOf } from "../report/measures.js";
import { costOf, halvingRungs, type Rung, survivorsOf } from "../statistics/halving.js";
import { openStore } from "../storage/store.js";
import { expandCells, isDataFree } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import type { CellCoordinates, CellResult, StudyResults } from "../study/results.js";
import { parseStudySpec, type StudySpec, type StudySpecInput } from "../study/spec.js";
import { splitTaskName } from "../study/task-name.js";
import { useStore } from "./services.js";

/** A round of a search: a study of its own, of which what has dropped out is skipped. */
export interface SearchRound extends Rung {
  study: StudySpec;
}

export interface Search {
  rounds: readonly SearchRound[];
  /** Records that are scored, as a share of those that whole evaluations would score. */
  cost: number;
}

/** The best sets of one model and method, best first, by their mean accuracy over all records. */
export interface Found {
  model: string;
  methodLabel: string;
  best: readonly { cell: CellCoordinates; accuracy: number }[];
}

/**
 * The rounds of a search for the calibration set with the best mean accuracy, of each model and method on its own. Candidates are the
 * study's sets of all sources and sizes; methods that look at no data, noise replicates and `stopping` are left out.
 * @throws TouchstoneError as planning; InvalidSettings where there is nothing to search, or the budget is too small
 */
export async function searchRounds(input: StudySpecInput, budget: number): Promise<Search> {
  await useStore(parseStudySpec(input).checkpoints);
  const { stopping: _, ...spec } = await completeSpec(input);
  const methods = spec.methods.filter(({ method }) => !isDataFree(method));
  const counts = await recordCounts(spec);
  const candidates = spec.sources.length * spec.calibration.sizes.length * spec.calibration.sets;
  if (methods.length === 0 || counts.length === 0) {
    const missing = methods.length === 0 ? "method that uses calibration data" : "task with unperturbed inputs";
    throw invalid(`There is no ${missing}, so no set is better than another`, "Name one in the specification.");
  }
  const rungs = halvingRungs(candidates, counts, budget);
  if (rungs === undefined) {
    throw invalid(
      `A budget of ${budget} is too small for ${candidates} sets of ${Math.max(...counts)} records`,
      "Give more budget, or more sets or sources to search.",
    );
  }
  const calibration = { ...spec.calibration, noiseReplicates: 0 };
  const rounds = rungs.map((rung, i) => {
    const isLast = i === rungs.length - 1;
    const evaluation = isLast ? spec.evaluation : { ...spec.evaluation, limit: rung.limit, perplexity: [] };
    const study = { ...spec, name: `${spec.name}.round${i + 1}`, methods, calibration, evaluation };
    return { ...rung, study: parseStudySpec(study) };
  });
  return { rounds, cost: costOf(rungs, counts) / costOf([{ candidates, limit: Math.max(...counts) }], counts) };
}

/**
 * Runs a search's rounds. Starting it again goes on where it was: a round that is done is found.
 * @param run runs a study to its end, and gives its results
 */
export async function runSearch(
  { rounds }: Search,
  run: (round: SearchRound) => Promise<StudyResults>,
): Promise<Found[]> {
  let left = groupsOf(rounds[0].study);
  let found: Found[] = [];
  for (const [i, round] of rounds.entries()) {
    await leaveOut(round.study, left, i);
    const results = await run(round);
    found = left.map((cells) => ranked(results, cells));
    const most = rounds[i + 1]?.candidates ?? 0;
    left = found.map(({ best }) => best.slice(0, most).map(({ cell }) => cell));
  }
  return found;
}

/** The candidates of each model and method. */
function groupsOf(spec: StudySpec): CellCoordinates[][] {
  const cells = spec.models.flatMap(({ id }) => expandCells(spec, id)).filter(({ method }) => method !== null);
  const groups = new Map<string, CellCoordinates[]>();
  for (const cell of cells) {
    const group = JSON.stringify([cell.model, cell.methodLabel]);
    groups.set(group, [...(groups.get(group) ?? []), cell]);
  }
  return [...groups.values()];
}

/** Records all others as skipped, before the study looks for its cells. */
async function leaveOut(spec: StudySpec, left: readonly CellCoordinates[][], round: number): Promise<void> {
  const kept = new Set(left.flat().map(cellName));
  const store = openStore(await useStore(spec.checkpoints));
  for (const cell of groupsOf(spec).flat()) {
    const reason = `dropped out of the search after round ${round}`;
    if (!kept.has(cellName(cell))) await writeRecord(store, "skipped", spec.name, { ...cell, reason });
  }
}

function ranked(results: StudyResults, cells: readonly CellCoordinates[]): Found {
  const measures = measuresOf(results);
  const [mean] = measures;
  const read = readerOf(results, measures, mean);
  const byName = new Map(results.cells.map((cell) => [cellName(cell), cell]));
  const accuracies = cells.map((cell) => accuracyOf(byName.get(cellName(cell)), read));
  const best = survivorsOf(accuracies, cells.length).map((i) => ({ cell: cells[i], accuracy: accuracies[i] }));
  return { model: cells[0].model, methodLabel: cells[0].methodLabel, best };
}

function accuracyOf(result: CellResult | undefined, read: (cell: CellResult) => number | undefined): number {
  return (result && read(result)) ?? Number.NaN;
}

/** Records of each task whose inputs are as they are. */
async function recordCounts({ evaluation }: Pick<StudySpec, "evaluation">): Promise<number[]> {
  const { data = "", limit, tasks } = evaluation;
  const counts: number[] = [];
  for (const name of tasks.filter((task) => splitTaskName(task).perturbation === null)) {
    const { records } = await readTaskRecords(data, studyTask(evaluation, name));
    counts.push(Math.min(records.length, limit ?? records.length));
  }
  return counts;
}

function invalid(what: string, todo: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", { what, where: "study search", todo });
}
