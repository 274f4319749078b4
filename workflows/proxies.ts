import { proxyActivities } from "@temporalio/workflow";
import type { Activities } from "../activities/steps.js";
import { taskQueues } from "../study/names.js";

/** Errors that another attempt can't heal say so themselves; everything else is tried again for some minutes. */
const retry = { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "2m", maximumAttempts: 10 } as const;
const common = { heartbeatTimeout: "30s", retry } as const;

/** Steps that only move data. `summary` is what the UI's timeline shows. */
export function dataSteps(summary: string) {
  return proxyActivities<Activities>({
    ...common,
    taskQueue: taskQueues.orchestration,
    startToCloseTimeout: "6h",
    summary,
  });
}

/** Steps that need a compute process with TensorFlow. */
export function computeSteps(summary: string) {
  return proxyActivities<Activities>({ ...common, taskQueue: taskQueues.compute, startToCloseTimeout: "12h", summary });
}
