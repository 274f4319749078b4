import { askQuestions } from "../evaluation/few-shot.js";
import { recordCertainties } from "../evaluation/outcomes.js";
import type { Question } from "../evaluation/question.js";
import { readTaskRecords } from "../evaluation/records.js";
import { type Scored, scoredRecords } from "../evaluation/scored-records.js";
import { studyTask, tableAccuracy } from "../evaluation/study-task.js";
import type { Accuracy } from "../evaluation/task.js";
import { byCertainty } from "../statistics/least-certain.js";
import type { Checkpoints } from "../storage/checkpoints.js";
import { denseCell } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import type { PlannedTask, StudyPlan } from "../study/plan.js";
import { evaluationDerivation } from "./derivations.js";

/**
 * Names the records of each task of which the dense models are least certain, where the specification wants no others: compressed
 * models differ there, and hardly elsewhere.
 * @throws TouchstoneError InvalidSettings where the store has no evaluation of a dense model on all records within the limit
 */
export async function withLeastCertain(plan: StudyPlan, checkpoints: Checkpoints): Promise<StudyPlan> {
  const { spec, tasks } = plan;
  const count = spec.evaluation.leastCertain;
  if (count === undefined) return plan;
  const chosen = await Promise.all(
    Object.entries(tasks).map(async ([name, task]): Promise<[string, PlannedTask]> => {
      const ids = spec.models.map(({ id }) => id);
      const only = (await leastCertainFirst(plan, checkpoints, ids, name)).slice(0, count).sort((a, b) => a - b);
      return [name, { ...task, only }];
    }),
  );
  return { ...plan, tasks: Object.fromEntries(chosen) };
}

/** A task's records that the dense models were scored on, those first of which they are least certain. @throws as `withLeastCertain` */
export async function leastCertainFirst(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  models: readonly string[],
  name: string,
): Promise<number[]> {
  const asked = await ask(plan, name);
  const certainties = await Promise.all(
    models.map((model) => certaintiesOf(plan, checkpoints, { model, name, ...asked })),
  );
  return byCertainty(certainties).map((i) => asked.questions.indexes[i]);
}

interface Asked {
  metric: Accuracy;
  questions: Scored<Question>;
}

async function ask({ spec: { evaluation }, tasks }: StudyPlan, name: string): Promise<Asked> {
  const task = studyTask(evaluation, name);
  const metric = tableAccuracy(evaluation, task);
  if (metric === undefined) {
    throw invalid(
      `${name} has no accuracy, so none of its records is more certain than another`,
      "Leave the task out.",
    );
  }
  const all = askQuestions(task, await readTaskRecords(evaluation.data ?? "", task));
  return { metric, questions: scoredRecords(all, { limit: evaluation.limit, only: tasks[name].only }) };
}

async function certaintiesOf(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  { model, name, metric, questions }: Asked & { model: string; name: string },
): Promise<Float64Array> {
  const derivation = evaluationDerivation(plan, denseCell(model), null, { kind: "task", id: name });
  const manifest = await checkpoints.find("evaluation", derivation);
  if (manifest === undefined) {
    throw invalid(
      `The store has no evaluation of the dense ${model} by ${name}, which says of which records it is least certain`,
      "Run the study without the key first; a search does so itself.",
    );
  }
  const samples = await checkpoints.object(manifest, "samples");
  return recordCertainties(samples, questions, metric, `evaluation ${manifest.key}`);
}

function invalid(what: string, todo: string): TouchstoneError {
  return new TouchstoneError("InvalidSettings", { what, where: "evaluation.leastCertain", todo });
}
