import type { ProcessState } from "./process-state.js";

/** How far a step is; becomes the activity's heartbeat. */
export interface StepProgress {
  stage: string;
  done: number;
  total: number;
}

/** What a step is given besides its input. */
export interface StepContext {
  state: ProcessState;
  report(progress: StepProgress): void;
  /** Aborted when the result is no longer wanted. Steps look at it between pieces of work, and write nothing after it. */
  signal: AbortSignal;
}
