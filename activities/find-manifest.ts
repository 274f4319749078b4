import { peekManifest } from "../storage/checkpoints.js";
import { openStore, type StoreLocation } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { type CellManifest, isDone, readCellManifest } from "./cell-manifest.js";
import { calibrationStep, computedSteps } from "./cell-steps.js";
import type { CalibrationFacts } from "./sample-source.js";
import type { StepContext } from "./step.js";
import { cellOfPlan, cellsOfPlan, storedStudies, studyPlans } from "./stored-studies.js";

/** A cell's manifest, and which of its steps is meant; all, unless `last` is there. */
export interface FoundManifest {
  manifest: CellManifest;
  last?: string;
}

/**
 * The manifest of a cell that is done, under the latest of its study's plans that has it so.
 * @param cell MODEL/METHOD/SOURCE-nN-setK, or MODEL/dense
 * @throws TouchstoneError UnknownStudy, UnknownModel; StudyIncomplete where it isn't done
 */
export async function manifestOfCell(
  study: string,
  cell: string,
  location: StoreLocation,
  { state }: StepContext,
): Promise<CellManifest> {
  const store = openStore(location);
  let unknown: unknown;
  for (const ref of await studyPlans(study, location)) {
    const plan = await state.plan(ref);
    try {
      const manifest = await readCellManifest(store, plan, cellOfPlan(plan, cell));
      if (isDone(manifest)) return manifest;
    } catch (error) {
      if (!(error instanceof TouchstoneError)) throw error;
      unknown ??= error;
    }
  }
  if (unknown !== undefined) throw unknown;
  throw new TouchstoneError("StudyIncomplete", {
    what: "The cell isn't done: it has no result in the store",
    where: `${study}/${cell}`,
    todo: "Start the study again, and wait for it.",
  });
}

/**
 * The cell that a step's key belongs to.
 * @throws TouchstoneError InvalidData where no study of the store has such a step
 */
export async function manifestWithKey(
  key: string,
  location: StoreLocation,
  { state }: StepContext,
): Promise<FoundManifest> {
  const store = openStore(location);
  for (const study of await storedStudies(location)) {
    for (const ref of await studyPlans(study, location)) {
      const plan = await state.plan(ref);
      const found = await cellWithKey(key, plan, store);
      if (found === undefined) continue;
      const manifest = await readCellManifest(store, plan, found);
      const isCell = manifest.steps.some((step) => step.key === key && step.kind === "cell");
      return isCell ? { manifest } : { manifest, last: key };
    }
  }
  throw new TouchstoneError("InvalidData", {
    what: "No study of this store has a calibration set, a block, an evaluation or a cell of this key",
    where: key,
    todo: "Give --bucket and --prefix as they are in the specification's checkpoints, or name a cell.",
  });
}

async function cellWithKey(
  key: string,
  plan: StudyPlan,
  store: ReturnType<typeof openStore>,
): Promise<CellCoordinates | undefined> {
  const digests = new Map<string, string | undefined>();
  for (const cell of cellsOfPlan(plan)) {
    const first = calibrationStep(plan, cell);
    if (first?.key === key) return cell;
    if (first !== undefined && !digests.has(first.key)) {
      const manifest = await peekManifest<CalibrationFacts>(store, "calibration", first.key);
      digests.set(first.key, typeof manifest === "object" ? manifest.facts.digest : undefined);
    }
    const digest = first === undefined ? null : digests.get(first.key);
    if (digest !== undefined && computedSteps(plan, cell, digest).some((step) => step.key === key)) return cell;
  }
  return undefined;
}

/** The plan that a study was last started with. */
export async function latestPlan(
  study: string,
  location: StoreLocation,
  { state }: StepContext,
): Promise<{ ref: StudyRef; plan: StudyPlan }> {
  const [ref] = await studyPlans(study, location);
  return { ref, plan: await state.plan(ref) };
}
