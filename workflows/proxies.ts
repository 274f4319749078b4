import { ActivityFailure, proxyActivities, TimeoutFailure, workflowInfo } from "@temporalio/workflow";
import type { Activities } from "../activities/steps.js";
import { type Device, planningQueue, taskQueues } from "../study/names.js";

/** Errors that another attempt can't heal say so themselves; everything else is tried again for some minutes. */
const retry = { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "2m", maximumAttempts: 10 } as const;
const common = { heartbeatTimeout: "30s", retry } as const;
/** What a cell's step finds altered is an earlier step's: that one must run again, and the cell sees to it. */
const ofCell = { ...common, retry: { ...retry, nonRetryableErrorTypes: ["CheckpointCorrupt"] } };
const data = { taskQueue: taskQueues.store, startToCloseTimeout: "6h" } as const;
const compute = { ...ofCell, startToCloseTimeout: "12h" } as const;

/** So long a worker that has a block's inputs in memory may be busy, before another one reads them from the store. */
const OFFER = "3s";

/** Temporal's lowest priority. */
const LAST = 5;

/** Steps that only move data. `summary` is what the UI's timeline shows. */
export function dataSteps(summary: string) {
  return proxyActivities<Activities>({ ...common, ...data, summary });
}

/** Such steps of a cell: they are not tried again where an object was altered. */
export function cellDataSteps(summary: string) {
  return proxyActivities<Activities>({ ...ofCell, ...data, summary });
}

/** Planning of a specification that nobody has checked yet. */
export function planningSteps(specification: unknown, summary: string) {
  return proxyActivities<Activities>({ ...compute, taskQueue: planningQueue(specification), summary });
}

/** What begins a cell: cells that have begun come before it, so that models are finished before new ones are compressed. */
export function embeddingSteps(device: Device, summary: string) {
  const priority = { priorityKey: Math.min(LAST, (workflowInfo().priority?.priorityKey ?? 3) + 1) };
  return proxyActivities<Activities>({ ...compute, taskQueue: taskQueues.compute[device], summary, priority });
}

export function evaluationSteps(device: Device, summary: string) {
  return proxyActivities<Activities>({ ...compute, taskQueue: taskQueues.evaluation[device], summary });
}

type CompressBlock = Activities["compressBlock"];

/**
 * Compresses a block: offered once to the worker that has its inputs in memory, then to any.
 * @param worker that worker's own queue, as the step before said it; undefined where there is none
 */
export async function compressBlock(
  input: Parameters<CompressBlock>[0],
  { worker, device, summary }: { worker?: string; device: Device; summary: string },
): ReturnType<CompressBlock> {
  const steps = proxyActivities<Activities>({ ...compute, taskQueue: taskQueues.compute[device], summary });
  if (worker === undefined) return steps.compressBlock(input);
  const once = { ...compute.retry, maximumAttempts: 1 };
  const offer = { ...compute, taskQueue: worker, scheduleToStartTimeout: OFFER, retry: once, summary } as const;
  try {
    return await proxyActivities<Activities>(offer).compressBlock(input);
  } catch (error) {
    if (!isOpen(error)) throw error;
    return steps.compressBlock(input);
  }
}

/** Whether the worker was busy, has gone, or failed in a way that another attempt may heal. */
function isOpen(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  return error.cause instanceof TimeoutFailure || error.retryState === "MAXIMUM_ATTEMPTS_REACHED";
}
