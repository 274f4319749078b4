import { proxyActivities } from "@temporalio/workflow";
import type { Activities } from "../activities/steps.js";
import { taskQueues } from "../study/names.js";

/** Errors that another attempt can't heal say so themselves; everything else is tried again for some minutes. */
const retry = { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "2m", maximumAttempts: 10 } as const;
const common = { heartbeatTimeout: "30s", retry } as const;
/** What a cell's step finds altered is an earlier step's: that one must run again, and the cell sees to it. */
const ofCell = { ...common, retry: { ...retry, nonRetryableErrorTypes: ["CheckpointCorrupt"] } };
const data = { taskQueue: taskQueues.orchestration, startToCloseTimeout: "6h" } as const;

/** Steps that only move data. `summary` is what the UI's timeline shows. */
export function dataSteps(summary: string) {
  return proxyActivities<Activities>({ ...common, ...data, summary });
}

/** Such steps of a cell: they are not tried again where an object was altered. */
export function cellDataSteps(summary: string) {
  return proxyActivities<Activities>({ ...ofCell, ...data, summary });
}

/** Steps that need a compute process with TensorFlow; not tried again where an object was altered. */
export function computeSteps(summary: string) {
  return proxyActivities<Activities>({ ...ofCell, taskQueue: taskQueues.compute, startToCloseTimeout: "12h", summary });
}
