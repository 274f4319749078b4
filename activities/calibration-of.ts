import { type CalibrationSet, decodeSet } from "../calibration/set.js";
import type { Checkpoints, Manifest } from "../storage/checkpoints.js";
import { TouchstoneError } from "../study/errors.js";
import type { StudyPlan } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { calibrationDerivation } from "./derivations.js";
import type { CalibrationFacts } from "./sample-source.js";

/** The manifest of a cell's calibration set; undefined for the dense model, which has none. @throws TouchstoneError CheckpointCorrupt */
export async function findCalibration(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  cell: CellCoordinates,
): Promise<Manifest<CalibrationFacts> | undefined> {
  const { model, source, size, set } = cell;
  const found = await drawnCalibration(plan, checkpoints, cell);
  if (found !== undefined || source === null) return found;
  throw new TouchstoneError("CheckpointCorrupt", {
    what: `Calibration set ${set} of ${source} (${size} sequences) is gone from the store`,
    where: model,
    todo: "Start the study again: the sets are drawn anew, and are the same.",
  });
}

/** As `findCalibration`; undefined also where the set isn't drawn. */
export async function drawnCalibration(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  { model, source, size, set }: CellCoordinates,
): Promise<Manifest<CalibrationFacts> | undefined> {
  if (source === null || size === null || set === null) return undefined;
  return checkpoints.find("calibration", calibrationDerivation(plan, model, source, size, set));
}

export async function readCalibrationSet(checkpoints: Checkpoints, manifest: Manifest): Promise<CalibrationSet> {
  return decodeSet(await checkpoints.object(manifest, "set"), `calibration set ${manifest.key}`);
}

export interface DrawnSet {
  source: string;
  set: number;
  manifest: Manifest<CalibrationFacts>;
}

/** A model's sets of the largest size, as far as they are drawn, source by source. */
export async function largestSets(plan: StudyPlan, checkpoints: Checkpoints, model: string): Promise<DrawnSet[]> {
  const { sources, calibration } = plan.spec;
  const size = Math.max(...calibration.sizes);
  const sets: DrawnSet[] = [];
  for (const { id: source } of sources) {
    for (let set = 0; set < calibration.sets; set++) {
      const cell = { model, method: null, methodLabel: "", source, size, set, noise: null };
      const manifest = await drawnCalibration(plan, checkpoints, cell);
      if (manifest !== undefined) sets.push({ source, set, manifest });
    }
  }
  return sets;
}
