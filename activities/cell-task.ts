import type { Checkpoints, Manifest } from "../storage/checkpoints.js";
import type { ThreadedStore } from "../storage/threaded-store.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { findCalibration } from "./calibration-of.js";
import type { CalibrationFacts } from "./sample-source.js";
import type { StepContext } from "./step.js";

/** Which cell of which study. */
export interface CellRef {
  study: StudyRef;
  cell: CellCoordinates;
}

/** A cell of a method, with all that its steps need to find its objects. */
export interface CellTask {
  plan: StudyPlan;
  cell: CellCoordinates;
  store: ThreadedStore;
  checkpoints: Checkpoints;
  calibration: Manifest<CalibrationFacts>;
}

/** undefined for the dense model: there is nothing to compress. */
export async function cellTask({ study, cell }: CellRef, { state }: StepContext): Promise<CellTask | undefined> {
  const plan = await state.plan(study);
  const [store, checkpoints] = [state.store(study), state.checkpoints(study)];
  const calibration = await findCalibration(plan, checkpoints, cell);
  return calibration === undefined ? undefined : { plan, cell, store, checkpoints, calibration };
}
