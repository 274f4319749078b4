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
  const { blocks } = plan.models[model];
  return {
    ...{ total: cells.length, blocks, evaluations: evaluationsOf(plan.spec), pending },
    methods: byMethod(cells, pending),
  };
}

function byMethod(cells: readonly CellCoordinates[], pending: readonly CellCoordinates[]): PlannedSweep["methods"] {
  const labels = [...new Set(cells.map(({ methodLabel }) => methodLabel))];
  const count = (of: readonly CellCoordinates[], label: string) => of.filter((c) => c.methodLabel === label).length;
  return Object.fromEntries(
    labels.map((label) => {
      const total = count(cells, label);
      return [label, { total, done: total - count(pending, label) }];
    }),
  );
}
