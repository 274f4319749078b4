import type { NamedSet } from "../calibration/inspection/findings.js";
import { inspectSets } from "../calibration/inspection/inspect-sets.js";
import type { Checkpoints } from "../storage/checkpoints.js";
import type { SourceInspection } from "../study/inspection.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import { type DrawnSet, largestSets, readCalibrationSet } from "./calibration-of.js";
import { inspectionDerivation } from "./derivations.js";
import type { StepContext } from "./step.js";

/**
 * What the first model's calibration sets of the largest size that are drawn hold, source by source. Looked at once, and found
 * again by every later report of the same sets.
 */
export async function findInspection(
  plan: StudyPlan,
  study: StudyRef,
  context: StepContext,
): Promise<readonly SourceInspection[]> {
  const checkpoints = context.state.checkpoints(study);
  const sets = await largestSets(plan, checkpoints, plan.spec.models[0].id);
  if (sets.length === 0) return [];
  const derivation = inspectionDerivation(
    plan,
    sets.map(({ source, set, manifest }) => ({ source, set, digest: manifest.facts.digest })),
  );
  const found = await checkpoints.find<readonly SourceInspection[]>("inspection", derivation);
  if (found !== undefined) return found.facts;
  const inspection = await inspect(plan, sets, checkpoints, context);
  return (await checkpoints.commit("inspection", derivation, {}, inspection)).facts;
}

async function inspect(
  plan: StudyPlan,
  sets: readonly DrawnSet[],
  checkpoints: Checkpoints,
  { state, report }: StepContext,
): Promise<SourceInspection[]> {
  const tokenizer = await (await state.model(plan, plan.spec.models[0].id, null)).tokenizer();
  const { sources } = await inspectSets(await readDrawnSets(checkpoints, sets), tokenizer, {
    onProgress: (done, total) => report({ stage: "inspecting calibration sets", done, total }),
  });
  return sources.map(({ records: _, perplexity: __, ...figures }) => figures);
}

export async function readDrawnSets(checkpoints: Checkpoints, sets: readonly DrawnSet[]): Promise<NamedSet[]> {
  const named: NamedSet[] = [];
  for (const { source, set, manifest } of sets) {
    named.push({ source, name: `${source}, set ${set}`, set: await readCalibrationSet(checkpoints, manifest) });
  }
  return named;
}
