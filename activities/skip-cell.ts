import { closest } from "fastest-levenshtein";
import { expandCells } from "../study/cells.js";
import type { SkippedOrder } from "../study/controls.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import type { StudyPlan, StudyRef } from "../study/plan.js";
import type { CellCoordinates, FailedCell } from "../study/results.js";
import { readRecord, recordedCells, removeRecord, writeRecord } from "./cell-records.js";
import { findCells } from "./cell-result.js";
import type { StepContext } from "./step.js";

/**
 * Records that a cell is to be left out. Returns what its sweep must know of it.
 * @throws TouchstoneError InvalidSettings where the study has no such cell, or it is done
 */
export async function skipCell(
  { study, cell: name, reason }: { study: StudyRef; cell: string; reason: string },
  { state }: StepContext,
): Promise<SkippedOrder> {
  const plan = await state.plan(study);
  const { index, cell } = cellNamed(plan, name);
  const [done] = await findCells(plan, state.checkpoints(study), [cell]);
  if (done !== undefined) {
    throw new TouchstoneError("InvalidSettings", {
      what: `The cell ${name} is done`,
      where: `study ${study.name}`,
      todo: "There is nothing to skip.",
    });
  }
  const store = state.store(study);
  const before = await readRecord(store, "skipped", study.name, name);
  const failure = await readRecord(store, "failures", study.name, name);
  await writeRecord(store, "skipped", study.name, { ...cell, reason });
  const skipped = (await recordedCells(store, "skipped", study.name, cell.model)).length;
  return { kind: "skipCell", cell, index, failed: failure !== undefined && before === undefined, skipped };
}

/**
 * Takes back what was skipped of these models. Of cells that a sweep has passed already the store says from then on that they
 * failed, so that it tries them with those.
 * @param passed index before which a sweep has passed them
 * @returns how many it has passed, by the method's label
 */
export async function unskipCells(
  { study, models, passed = 0 }: { study: StudyRef; models: readonly string[]; passed?: number },
  { state }: StepContext,
): Promise<Record<string, number>> {
  const store = state.store(study);
  const plan = await state.plan(study);
  const counts: Record<string, number> = {};
  for (const model of models) {
    const skipped = new Set(await recordedCells(store, "skipped", study.name, model));
    for (const [index, cell] of expandCells(plan.spec, model).entries()) {
      if (!skipped.has(cellName(cell))) continue;
      if (index < passed) {
        counts[cell.methodLabel] = (counts[cell.methodLabel] ?? 0) + 1;
        await writeRecord(store, "failures", study.name, notTried(cell));
      }
      await removeRecord(store, "skipped", study.name, cell);
    }
  }
  return counts;
}

function notTried(cell: CellCoordinates): FailedCell {
  const message = "It was skipped, and has not been tried again yet.";
  return { ...cell, errorType: "Cancelled", message, at: null, worker: null, log: [] };
}

function cellNamed({ spec }: StudyPlan, name: string): { index: number; cell: CellCoordinates } {
  const byModel = spec.models.map(({ id }) => expandCells(spec, id));
  for (const cells of byModel) {
    const index = cells.findIndex((cell) => cellName(cell) === name);
    if (index !== -1) return { index, cell: cells[index] };
  }
  throw new TouchstoneError("InvalidSettings", {
    what: `The study has no cell ${name}`,
    where: `study ${spec.name}`,
    todo: `Did you mean ${closest(name, byModel.flat().map(cellName))}?`,
  });
}
