import { defineQuery, defineSignal, defineUpdate } from "@temporalio/workflow";
import type { ConcurrencyRequest, Control, SkipRequest } from "../study/controls.js";
import type { CellProgress, StudyProgress, SweepCounts, SweepProgress } from "../study/progress.js";
import type { SearchProgress } from "../study/search.js";

/** Every workflow type answers this query, each with its own kind of progress. */
export const studyProgressQuery = defineQuery<StudyProgress>("progress");
export const sweepProgressQuery = defineQuery<SweepProgress>("progress");
export const searchProgressQuery = defineQuery<SearchProgress>("progress");
export const cellProgressQuery = defineQuery<CellProgress>("progress");

// To a study, for all its models, or to one model's sweep.

/** No new block or task starts until `resume`; what runs is finished. */
export const pauseUpdate = defineUpdate<void>("pause");
export const resumeUpdate = defineUpdate<void>("resume");
/** Failed cells are tried again, and skipped ones computed after all. Returns how many there are. */
export const retryFailedUpdate = defineUpdate<number>("retryFailed");
/** A cell that isn't done is left out, now and when the study is started again, until `retryFailed`. */
export const skipCellUpdate = defineUpdate<void, [SkipRequest]>("skipCell");
/** For the present run: started again, a study has its specification's. What runs is finished. */
export const setConcurrencyUpdate = defineUpdate<void, [ConcurrencyRequest]>("setConcurrency");

/** To a study that runs: makes the report of what is done by now. Returns its address in the store. */
export const reportUpdate = defineUpdate<string>("report");

/** Study to sweep. */
export const controlSignal = defineSignal<[Control]>("control");
/** Sweep to cell. */
export const pausedSignal = defineSignal<[boolean]>("paused");
/** Sweep to study. */
export const sweepCountsSignal = defineSignal<[string, SweepCounts]>("sweepCounts");
