import { contaminatedRecords } from "../calibration/contamination.js";
import { type Request, requestsOf } from "../evaluation/question.js";
import { readTaskRecords } from "../evaluation/records.js";
import { taskOf } from "../evaluation/registry.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { StudyResults } from "../study/results.js";
import { findCalibration, readCalibrationSet } from "./calibration-of.js";
import type { StepContext } from "./step.js";

function textOf({ context, continuation }: Request): string {
  return context + continuation;
}

/** Evaluation records that stand in the first model's calibration sets of the largest size. */
export async function findContamination(
  plan: StudyPlan,
  study: StudyRef,
  context: StepContext,
): Promise<StudyResults["contamination"]> {
  const { spec } = plan;
  const [{ id }] = spec.models;
  const tokenizer = await (await context.state.model(plan, id, null)).tokenizer();
  const records = await Promise.all(
    spec.evaluation.tasks.map(async (task) => {
      const { records: rows, where } = await readTaskRecords(spec.evaluation.data ?? "", task);
      const questions = taskOf(task)
        .questions(rows, where)
        .slice(0, spec.evaluation.limit ?? undefined);
      return { task, texts: questions.map((question) => requestsOf(question).map(textOf).join("\n")) };
    }),
  );
  const found: StudyResults["contamination"][number][] = [];
  for (const { id: source } of spec.sources) {
    for (let set = 0; set < spec.calibration.sets; set++) {
      const texts = await readTexts(source, set);
      for (const { task, texts: wanted } of records) {
        const count = contaminatedRecords(texts, wanted);
        if (count > 0) found.push({ source, set, task, records: count });
      }
      context.report({ stage: `looking for evaluation records in ${source}`, done: set, total: spec.calibration.sets });
    }
  }
  return found;

  async function readTexts(source: string, set: number): Promise<string[]> {
    const size = Math.max(...spec.calibration.sizes);
    const cell = { model: id, method: null, methodLabel: "", source, size, set, noise: null };
    const checkpoints = context.state.checkpoints(study);
    const manifest = await findCalibration(plan, checkpoints, cell);
    if (manifest === undefined) return [];
    const { sequences } = await readCalibrationSet(checkpoints, manifest);
    return sequences.map(({ tokens }) => tokenizer.decode(tokens));
  }
}
