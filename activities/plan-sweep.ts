import { expandCells } from "../study/cells.js";
import { evaluationsOf, type PlannedSweep, type StudyRef } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { findCell } from "./cell-result.js";
import type { StepContext } from "./step.js";

const AT_A_TIME = 16;

/** Which of a model's cells are still to be computed. */
export async function planSweep(
  { study, model }: { study: StudyRef; model: string },
  { state, report }: StepContext,
): Promise<PlannedSweep> {
  const plan = await state.plan(study);
  const checkpoints = state.checkpoints(study);
  const cells = expandCells(plan.spec, model);
  const pending: CellCoordinates[] = [];
  for (let i = 0; i < cells.length; i += AT_A_TIME) {
    const some = cells.slice(i, i + AT_A_TIME);
    const found = await Promise.all(some.map((cell) => findCell(plan, checkpoints, cell)));
    pending.push(...some.filter((_, j) => found[j] === undefined));
    report({ stage: "looking for finished cells", done: i + some.length, total: cells.length });
  }
  return { total: cells.length, blocks: plan.models[model].blocks, evaluations: evaluationsOf(plan.spec), pending };
}
