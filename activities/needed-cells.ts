import { meanKnowledge } from "../report/stopping.js";
import type { Checkpoints } from "../storage/checkpoints.js";
import { cellName } from "../study/names.js";
import type { StudyPlan } from "../study/plan.js";
import type { CellCoordinates, CellResult } from "../study/results.js";
import type { StudySpec } from "../study/spec.js";
import { findCells } from "./cell-result.js";

/** `unknown`: cells that are still open decide. */
export type Need = "needed" | "notNeeded" | "unknown";

/** Whether results decide if a cell is needed. */
export function isConditional({ stopping }: StudySpec, { noise, set }: CellCoordinates): boolean {
  return stopping !== undefined && noise === null && Number(set) >= stopping.minimum;
}

/**
 * Says of a cell whether its source's mean is known without it, by the sets before it in their order: so it depends on results
 * alone, not on when they came. Sets that failed or are skipped are looked past.
 * @param isOpen whether a cell that isn't done may still be
 */
export function neededCells(
  plan: StudyPlan,
  checkpoints: Checkpoints,
  isOpen: (cell: CellCoordinates) => boolean,
): (cell: CellCoordinates) => Promise<Need> {
  const results = new Map<string, Promise<CellResult | undefined>>();
  const resultOf = (cell: CellCoordinates) => {
    const name = cellName(cell);
    const known = results.get(name) ?? findCells(plan, checkpoints, [cell]).then(([found]) => found);
    results.set(name, known);
    return known;
  };
  return async (cell) => {
    if (!isConditional(plan.spec, cell)) return "needed";
    const before = Array.from({ length: Number(cell.set) }, (_, set) => ({ ...cell, set }));
    const found = await Promise.all(before.map(resultOf));
    const open = before.findIndex((each, i) => found[i] === undefined && isOpen(each));
    const settled = found.slice(0, open === -1 ? found.length : open).filter((result) => result !== undefined);
    if (meanKnowledge(plan.spec, settled).known) return "notNeeded";
    return open === -1 ? "needed" : "unknown";
  };
}
