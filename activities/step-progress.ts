/** How far a step is; becomes the activity's heartbeat. */
export interface StepProgress {
  stage: string;
  done: number;
  total: number;
}
