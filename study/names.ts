import type { CellCoordinates } from "./results.js";

/** Where work waits: workflows and what only moves data; and what needs a compute process with TensorFlow. */
export const taskQueues = { orchestration: "touchstone", compute: "touchstone-compute" } as const;

/** Unique in a study; safe in workflow ids. */
export function cellName(cell: CellCoordinates): string {
  if (cell.method === null) return `${cell.model}/dense`;
  const noise = cell.noise === null ? "" : `-noise${cell.noise}`;
  return `${cell.model}/${cell.methodLabel}/${cell.source}-n${cell.size}-set${cell.set}${noise}`;
}

export function studyWorkflowId(study: string): string {
  return `study/${study}`;
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
