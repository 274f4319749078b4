import type { StepProgress } from "../activities/step.js";
import type { StepName } from "../activities/steps.js";
import type { Measurement } from "../storage/measure.js";
import type { ErrorType, Problem } from "../study/errors.js";
import type { BackendKind } from "../tensor/backend.js";

/** What a worker says to its compute process. Only references cross: tensors stay in the store and in the process. */
export type Request =
  | { kind: "run"; id: number; step: StepName; input: unknown }
  | { kind: "abort"; id: number }
  /** It has no step any more, and gets none: what only it has goes to the store. */
  | { kind: "leave" };

/** What the compute process answers. */
export type Response =
  | { kind: "ready"; backend: BackendKind }
  | { kind: "left" }
  /** It waits for the object store, which can take long. */
  | { kind: "waiting" }
  | { kind: "measured"; measurement: Measurement }
  | { kind: "progress"; id: number; progress: StepProgress }
  /** `memory`: bytes that the process takes at the step's end. */
  | { kind: "done"; id: number; result: unknown; memory: number }
  | { kind: "failed"; id: number; failure: StepFailure; memory: number };

/** A TouchstoneError, or (without a type) a mistake of the program. */
export interface StepFailure {
  type?: ErrorType;
  problem?: Problem;
  message: string;
  stack?: string;
}
