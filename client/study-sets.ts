import { type DrawnSet, largestSets } from "../activities/calibration-of.js";
import { readDrawnSets } from "../activities/inspection.js";
import { sourceFiles } from "../calibration/documents.js";
import { drawSource } from "../calibration/draw-source.js";
import { givenSetFiles, readGivenSet } from "../calibration/given-sets.js";
import type { NamedSet } from "../calibration/inspection/findings.js";
import { firstSequences } from "../calibration/sample.js";
import type { CalibrationSet } from "../calibration/set.js";
import type { Progress } from "../infra/progress.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { openCheckpoints } from "../storage/checkpoints.js";
import { openInventory } from "../storage/inventory.js";
import { openStore, type StoreLocation } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";
import type { StudyPlan } from "../study/plan.js";
import { isGiven, type StudySource } from "../study/source.js";
import type { StudySpec } from "../study/spec.js";
import { latestPlan } from "./store-index.js";

/**
 * The sets that a study would have, of its largest size: drawn here, and stored nowhere.
 * @throws TouchstoneError as `drawSource` and `readGivenSet`
 */
export async function setsOfSpec(spec: StudySpec, tokenizer: Tokenizer, progress: Progress): Promise<NamedSet[]> {
  const named: NamedSet[] = [];
  for (const source of spec.sources) {
    const sets = await setsOfSource(source, spec, tokenizer, progress);
    named.push(...sets.map((set, i) => ({ source: source.id, name: `${source.id}, set ${i}`, set })));
  }
  return named;
}

async function setsOfSource(
  source: StudySource,
  { calibration }: StudySpec,
  tokenizer: Tokenizer,
  progress: Progress,
): Promise<CalibrationSet[]> {
  const { sizes, length } = calibration;
  const sequences = Math.max(...sizes);
  const sets = Array.from({ length: calibration.sets }, (_, i) => i);
  if (!isGiven(source)) {
    const files = await sourceFiles(source.path);
    return progress.step(
      `drawing sets of ${source.id}`,
      (report) => drawSource({ source, files, tokenizer, calibration, sets }, report),
      { unit: "documents" },
    );
  }
  const uris = await givenSetFiles(source.sets);
  if (uris.length < sets.length) {
    throw new TouchstoneError("InvalidStudySpec", {
      what: `${source.id} has ${uris.length} given sets, but calibration.sets asks for ${sets.length}`,
      where: "the study specification",
      todo: `Name more of them, or set calibration.sets to ${uris.length}.`,
    });
  }
  const given = await Promise.all(uris.slice(0, sets.length).map((uri) => readGivenSet(uri, { sequences, length })));
  return given.map((set) => firstSequences(set, sequences));
}

export interface StoredSets {
  plan: StudyPlan;
  sets: NamedSet[];
}

/**
 * A study's sets as it has drawn them, of its largest size, from its store.
 * @param model its id; the study's first one where it isn't given
 * @throws TouchstoneError UnknownStudy; InvalidData where none is drawn yet; InvalidSettings for a model that it doesn't have
 */
export async function setsOfStudy(name: string, location: StoreLocation, model?: string): Promise<StoredSets> {
  const store = openStore(location);
  const plan = await latestPlan(name, store, openInventory(location));
  if (plan === undefined) {
    throw new TouchstoneError("UnknownStudy", {
      what: `The store has no study ${name}`,
      where: `s3://${location.bucket}/${location.prefix}`,
      todo: "Check the name, --bucket and --prefix; or give the study's specification, a file that ends in .yaml or .json.",
    });
  }
  const checkpoints = openCheckpoints(store);
  const sets: DrawnSet[] = await largestSets(plan, checkpoints, modelOfSpec(plan.spec, model).id);
  if (sets.length > 0) return { plan, sets: await readDrawnSets(checkpoints, sets) };
  throw new TouchstoneError("InvalidData", {
    what: "No calibration set of the study is in the store yet",
    where: `study ${name}`,
    todo: "Wait until it has drawn them, or give its specification: then they are drawn here.",
  });
}

/** @throws TouchstoneError InvalidSettings */
export function modelOfSpec({ models }: StudySpec, id = models[0].id): StudySpec["models"][number] {
  const found = models.find((model) => model.id === id);
  if (found !== undefined) return found;
  throw new TouchstoneError("InvalidSettings", {
    what: `The study has no model ${id}`,
    where: "--model",
    todo: `It has ${models.map((model) => model.id).join(", ")}.`,
  });
}
