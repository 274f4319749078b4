import { askQuestions } from "../evaluation/few-shot.js";
import { recordCertainties } from "../evaluation/outcomes.js";
import type { Question } from "../evaluation/question.js";
import { readTaskRecords } from "../evaluation/records.js";
import { type Scored, scoredRecords } from "../evaluation/scored-records.js";
import { studyTask, tableAccuracy } from "../evaluation/study-task.js";
import type { Accuracy } from "../evaluation/task.js";
import { byCertainty } from "../statistics/least-certain.js";
import type { Checkpoints } from "../storage/checkpoints.js";
import { denseCell, pilotOf } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import type { PlannedTask, StudyPlan } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { drawnCalibration } from "./calibration-of.js";
import { evaluationDerivation } from "./derivations.js";

/**
 * Names the records of each task of which the dense models and their pilots are least certain, where the specification wants no
 * others: what lies between these two, as most compressed models do, differs there, and hardly elsewhere. All cells are scored on the same.
 * @throws TouchstoneError InvalidSettings where the store has no evaluation of one of these on all records within the limit
 */
export async function withLeastCertain(plan: StudyPlan, checkpoints: Checkpoints): Promise<StudyPlan> {
  const { spec, tasks } = plan;
  const count = spec.evaluation.leastCertain;
  if (count === undefined) return plan;
  const asking = spec.models.flatMap(({ id }) => [denseCell(id), pilotOf(spec, id) ?? []].flat());
  const chosen = await Promise.all(
    Object.entries(tasks).map(async ([name, task]): Promise<[string, PlannedTask]> => {
      const asked = await askTask(plan, name);
      const certainties = await Promise.all(asking.map((cell) => cellCertainties(plan, checkpoints, cell, asked)));
      const first = byCertainty(certainties).slice(0, count);
      const only = first.map((i) => asked.questions.indexes[i]).sort((a, b) => a - b);
      return [name, { ...task, only }];
    }),
  );
  return { ...plan, tasks: Object.fromEntries(chosen) };
}

export interface CertaintyQuestions {
  /** The task, as the specification names it. */
  name: string;
  metric: Accuracy;
  questions: Scored<Question>;
}

/** @throws TouchstoneError InvalidSettings where the task has no accuracy */
export async function askTask({ spec: { evaluation }, tasks }: StudyPlan, name: string): Promise<CertaintyQuestions> {
  const task = studyTask(evaluation, name);
  const metric = tableAccuracy(evaluation, task);
  if (metric === undefined) {
    throw invalid(
      `${name} has no accuracy, so none of its records is more certain than another`,
      "Leave the task out.",
    );
  }
  const all = askQuestions(task, await readTaskRecords(evaluation.data ?? "", task));
  return { name, metric, questions: scoredRecords(all, { limit: evaluation.limit, only: tasks[name].only }) };
}

/** How certain a cell's model is of a task's records, in nats. @throws TouchstoneError InvalidSettings where it wasn't evaluated */
export async function cellCertainties(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  cell: CellCoordinates,
  { name, metric, questions }: CertaintyQuestions,
): Promise<Float64Array> {
  const digest = (await drawnCalibration(plan, checkpoints, cell))?.facts.digest ?? null;
  const derivation = evaluationDerivation(plan, cell, digest, { kind: "task", id: name });
  const manifest = await checkpoints.find("evaluation", derivation);
  if (manifest === undefined) {
    throw invalid(
      `The store has no evaluation of ${cellName(cell)} by ${name}, which says of which records it is least certain`,
      "Run the study without the key first; a search does so itself.",
    );
  }
  const samples = await checkpoints.object(manifest, "samples");
  return recordCertainties(samples, questions, metric, `evaluation ${manifest.key}`);
}

function invalid(what: string, todo: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", { what, where: "evaluation.leastCertain", todo });
}
