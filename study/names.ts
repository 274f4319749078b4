import type { CellCoordinates } from "./results.js";

/** What a backend computes on. */
export type Device = "cpu" | "gpu";

/** Where work waits. What needs TensorFlow waits for a worker whose backend is on the study's device. */
export const taskQueues = {
  /** Workflows. */
  orchestration: "touchstone",
  /** Steps that only move data. */
  store: "touchstone-store",
  /** Studies that take the device of the worker that plans them. */
  planning: "touchstone-planning",
  compute: { cpu: "touchstone-compute", gpu: "touchstone-compute-gpu" },
  evaluation: { cpu: "touchstone-evaluation", gpu: "touchstone-evaluation-gpu" },
} as const;

/** All of them, but for those of one worker. */
export const allTaskQueues: readonly string[] = Object.values(taskQueues).flatMap((queue) =>
  typeof queue === "string" ? [queue] : Object.values(queue),
);

/** Blocks that are best compressed by one worker, which has their inputs in memory. */
export function ownQueue(worker: string): string {
  return `touchstone-compute@${worker}`;
}

/** Where a specification that nobody has checked yet is planned. */
export function planningQueue(specification: unknown): string {
  const { device } = (specification ?? {}) as { device?: unknown };
  return device === "cpu" || device === "gpu" ? taskQueues.compute[device] : taskQueues.planning;
}

/** Unique in a study; safe in workflow ids. */
export function cellName(cell: CellCoordinates): string {
  if (cell.method === null) return `${cell.model}/dense`;
  const noise = cell.noise === null ? "" : `-noise${cell.noise}`;
  return `${cell.model}/${cell.methodLabel}/${cell.source}-n${cell.size}-set${cell.set}${noise}`;
}

export function studyWorkflowId(study: string): string {
  return `study/${study}`;
}

export function searchWorkflowId(search: string): string {
  return `search/${search}`;
}

export function sweepWorkflowId(study: string, model: string): string {
  return `study/${study}/m/${model}`;
}

export function cellWorkflowId(study: string, cell: CellCoordinates): string {
  return namedCellWorkflowId(study, cellName(cell));
}

export function namedCellWorkflowId(study: string, name: string): string {
  return `study/${study}/c/${name}`;
}
