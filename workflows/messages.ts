import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { CellProgress, StudyProgress, SweepCounts, SweepProgress } from "../study/progress.js";

/** Every workflow type answers this query, each with its own kind of progress. */
export const studyProgressQuery = defineQuery<StudyProgress>("progress");
export const sweepProgressQuery = defineQuery<SweepProgress>("progress");
export const cellProgressQuery = defineQuery<CellProgress>("progress");

/** To a study: no new block or task starts until `resume`; what runs is finished. */
export const pauseUpdate = defineUpdate<void>("pause");
export const resumeUpdate = defineUpdate<void>("resume");
/** To a study: its failed cells are tried again. Returns how many there are. */
export const retryFailedUpdate = defineUpdate<number>("retryFailed");
/** To a study that runs: makes the report of what is done by now. Returns its address in the store. */
export const reportUpdate = defineUpdate<string>("report");

/** Study to sweep, sweep to cell. */
export const pausedSignal = defineSignal<[boolean]>("paused");
/** Study to sweep. */
export const retryFailedSignal = defineSignal("retryFailedCells");
/** Sweep to study. */
export const sweepCountsSignal = defineSignal<[string, SweepCounts]>("sweepCounts");
