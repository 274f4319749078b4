import { recordCertainties } from "../evaluation/outcomes.js";
import { byCertainty } from "../statistics/least-certain.js";
import type { Checkpoints } from "../storage/checkpoints.js";
import { denseCell, pilotOf } from "../study/cells.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import type { PlannedTask, StudyPlan } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { type AskedTask, askTask } from "./asked-task.js";
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

/** How certain a cell's model is of a task's records, in nats. @throws TouchstoneError InvalidSettings where it wasn't evaluated, or the task has no accuracy */
export async function cellCertainties(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  cell: CellCoordinates,
  { name, metric, questions }: AskedTask,
): Promise<Float64Array> {
  if (metric === undefined) {
    throw invalid(
      `${name} has no accuracy, so none of its records is more certain than another`,
      "Leave the task out.",
    );
  }
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
