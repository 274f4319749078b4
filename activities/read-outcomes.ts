import { guessingAccuracy, recordOutcomes } from "../evaluation/outcomes.js";
import type { Question } from "../evaluation/question.js";
import type { Scored } from "../evaluation/scored-records.js";
import type { Accuracy } from "../evaluation/task.js";
import type { OutcomeTask, StudyOutcomes } from "../statistics/outcomes.js";
import type { Checkpoints } from "../storage/checkpoints.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellResult } from "../study/results.js";
import { isUnperturbed } from "../study/task-name.js";
import { askTask } from "./asked-task.js";
import { evaluationDerivation } from "./derivations.js";
import { requireUnchanged } from "./planned-files.js";
import type { StepContext } from "./step.js";

/** Cells that are read at a time: a cell has some megabytes of log-likelihoods, of which a byte a record is kept. */
const CELLS_AT_A_TIME = 4;

interface ScoredTask extends OutcomeTask {
  /** As the specification has it; `task` is the harness's. */
  name: string;
  metric: Accuracy;
  questions: Scored<Question>;
}

/**
 * What each cell's model made of each record, from the log-likelihoods that its evaluations have stored: nothing is scored again.
 * Without the tasks' records, which say what is right, there are none, and the reason is given.
 */
export async function readOutcomes(
  plan: StudyPlan,
  study: StudyRef,
  all: readonly CellResult[],
  context: StepContext,
): Promise<StudyOutcomes> {
  const asked = await askTasks(plan).catch((error) => {
    if (error instanceof TouchstoneError && !error.retryable) return error.message;
    throw error;
  });
  if (typeof asked === "string") return { tasks: [], cells: new Map(), missing: asked };
  const checkpoints = context.state.checkpoints(study);
  const cells = new Map<string, Uint8Array[]>();
  const wanted = asked.length === 0 ? [] : all.filter(({ noise }) => noise === null);
  for (let i = 0; i < wanted.length; i += CELLS_AT_A_TIME) {
    const some = wanted.slice(i, i + CELLS_AT_A_TIME);
    const read = await Promise.all(some.map((cell) => readCell(plan, checkpoints, cell, asked)));
    some.forEach((cell, j) => {
      const outcomes = read[j].filter((values) => values !== undefined);
      if (outcomes.length === asked.length) cells.set(cellName(cell), outcomes);
    });
    context.report({ stage: "reading outcomes", done: i + some.length, total: wanted.length });
    context.signal.throwIfAborted();
  }
  return { tasks: asked.map(({ name: _, metric: __, questions: ___, ...task }) => task), cells };
}

/** The tasks that the tasks' mean is over. */
async function askTasks(plan: StudyPlan): Promise<ScoredTask[]> {
  const names = plan.spec.evaluation.tasks.filter(isUnperturbed);
  return Promise.all(
    names.map(async (name) => {
      await requireUnchanged(plan.tasks[name].records);
      const { task, metric, questions } = await askTask(plan, name);
      if (metric === undefined) {
        throw new TouchstoneError("InvalidData", { what: `${name} has no accuracy, which the tasks' mean is made of` });
      }
      const { items } = questions;
      return { name, task: task.name, records: items.length, ...guessingAccuracy(items), metric, questions };
    }),
  );
}

function readCell(plan: StudyPlan, checkpoints: Checkpoints, cell: CellResult, tasks: readonly ScoredTask[]) {
  return Promise.all(
    tasks.map(async ({ name: id, metric, questions }) => {
      const derivation = evaluationDerivation(plan, cell, cell.calibrationDigest, { kind: "task", id });
      const manifest = await checkpoints.find("evaluation", derivation);
      if (manifest === undefined) return undefined;
      const samples = await checkpoints.object(manifest, "samples");
      return recordOutcomes(samples, questions, metric, `evaluation ${manifest.key}`);
    }),
  );
}
