import { contaminatedRecords } from "../calibration/contamination.js";
import { withFewShot } from "../evaluation/few-shot.js";
import { type Request, requestsOf } from "../evaluation/question.js";
import { readTaskRecords } from "../evaluation/records.js";
import { studyTask } from "../evaluation/study-task.js";
import type { Checkpoints, Manifest } from "../storage/checkpoints.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { StudyResults } from "../study/results.js";
import { drawnCalibration, readCalibrationSet } from "./calibration-of.js";
import { contaminationDerivation, unperturbedTasks } from "./derivations.js";
import { requireUnchanged } from "./planned-files.js";
import type { CalibrationFacts } from "./sample-source.js";
import type { StepContext } from "./step.js";

function textOf({ context, continuation }: Request): string {
  return context + continuation;
}

type Contamination = StudyResults["contamination"];

/**
 * Evaluation records that stand in those of the first model's calibration sets of the largest size that are drawn. Looked for once, and found again by
 * every later report of the same sets and records.
 */
export async function findContamination(
  plan: StudyPlan,
  study: StudyRef,
  context: StepContext,
): Promise<Contamination> {
  const checkpoints = context.state.checkpoints(study);
  const sets = await calibrationSets(plan, checkpoints);
  const derivation = contaminationDerivation(
    plan,
    sets.map(({ source, set, manifest }) => ({ source, set, digest: manifest.facts.digest })),
  );
  const found = await checkpoints.find<Contamination>("contamination", derivation);
  if (found !== undefined) return found.facts;
  const contamination = await lookForRecords(plan, sets, checkpoints, context);
  return (await checkpoints.commit("contamination", derivation, {}, contamination)).facts;
}

interface DrawnSet {
  source: string;
  set: number;
  manifest: Manifest<CalibrationFacts>;
}

async function calibrationSets(plan: StudyPlan, checkpoints: Checkpoints): Promise<DrawnSet[]> {
  const { models, sources, calibration } = plan.spec;
  const size = Math.max(...calibration.sizes);
  const sets: DrawnSet[] = [];
  for (const { id: source } of sources) {
    for (let set = 0; set < calibration.sets; set++) {
      const cell = { model: models[0].id, method: null, methodLabel: "", source, size, set, noise: null };
      const manifest = await drawnCalibration(plan, checkpoints, cell);
      if (manifest !== undefined) sets.push({ source, set, manifest });
    }
  }
  return sets;
}

async function lookForRecords(
  plan: StudyPlan,
  sets: readonly DrawnSet[],
  checkpoints: Checkpoints,
  { state, report }: StepContext,
): Promise<Contamination> {
  const { evaluation, models } = plan.spec;
  const tokenizer = await (await state.model(plan, models[0].id, null)).tokenizer();
  const records = await Promise.all(
    Array.from(unperturbedTasks(plan), async ([name, planned]) => {
      await requireUnchanged(planned.records);
      // Where examples stand before the questions, they are no part of what is looked for.
      const task = withFewShot(studyTask(evaluation, name), 0);
      const { records: rows, place } = await readTaskRecords(evaluation.data ?? "", task);
      const questions = task.questions(rows, place).slice(0, evaluation.limit ?? undefined);
      return { task: name, texts: questions.map((question) => requestsOf(question).map(textOf).join("\n")) };
    }),
  );
  const found: Contamination[number][] = [];
  for (const [i, { source, set, manifest }] of sets.entries()) {
    const { sequences } = await readCalibrationSet(checkpoints, manifest);
    const texts = sequences.map(({ tokens }) => tokenizer.decode(tokens));
    for (const { task, texts: wanted } of records) {
      const count = contaminatedRecords(texts, wanted);
      if (count > 0) found.push({ source, set, task, records: count });
    }
    report({ stage: `looking for evaluation records in ${source}`, done: i + 1, total: sets.length });
  }
  return found;
}
