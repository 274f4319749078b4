import { contaminatedRecords } from "../calibration/contamination.js";
import { recordTexts } from "../evaluation/record-texts.js";
import { studyTask } from "../evaluation/study-task.js";
import type { Checkpoints } from "../storage/checkpoints.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { StudyResults } from "../study/results.js";
import { type DrawnSet, largestSets, readCalibrationSet } from "./calibration-of.js";
import { contaminationDerivation, unperturbedTasks } from "./derivations.js";
import { requireUnchanged } from "./planned-files.js";
import type { StepContext } from "./step.js";

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
  const sets = await largestSets(plan, checkpoints, plan.spec.models[0].id);
  const derivation = contaminationDerivation(
    plan,
    sets.map(({ source, set, manifest }) => ({ source, set, digest: manifest.facts.digest })),
  );
  const found = await checkpoints.find<Contamination>("contamination", derivation);
  if (found !== undefined) return found.facts;
  const contamination = await lookForRecords(plan, sets, checkpoints, context);
  return (await checkpoints.commit("contamination", derivation, {}, contamination)).facts;
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
      return {
        task: name,
        texts: await recordTexts(evaluation.data ?? "", studyTask(evaluation, name), evaluation.limit),
      };
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
