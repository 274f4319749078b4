import type { ProcessState } from "./process-state.js";
import type { StepProgress } from "./step-progress.js";

export type { StepProgress };

/** What a step is given besides its input. */
export interface StepContext {
  state: ProcessState;
  report(progress: StepProgress): void;
  /** Aborted when the result is no longer wanted. Steps look at it between pieces of work, and write nothing after it. */
  signal: AbortSignal;
}
