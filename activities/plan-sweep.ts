import { expandCells } from "../study/cells.js";
import { cellName } from "../study/names.js";
import { type CellState, evaluationsOf, type StudyRef, type SweepPage } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { type RecordKind, recordedCells } from "./cell-records.js";
import { findCells } from "./cell-result.js";
import type { StepContext } from "./step.js";
import { claimName } from "./study-name.js";

/** Which cells of a model are asked for. */
export interface PageRequest {
  study: StudyRef;
  model: string;
  state: CellState;
  /** Indexes of `expandCells`: of the first, and before which to end; all, where it is left out. */
  from: number;
  to?: number;
  /** Index up to which an earlier page has counted the cells that are done. */
  counted: number;
}

/** Cells a page: some kilobytes in a history. */
const PAGE = 50;
const AT_A_TIME = 25;

/**
 * The next cells of a model that are still to be computed, as many as one page holds, without those that are to be left out. From
 * the first page on the study's name is taken.
 */
export async function planSweep(
  { study, model, state: asked, from, to, counted }: PageRequest,
  context: StepContext,
): Promise<SweepPage> {
  const { state, report } = context;
  const plan = await state.plan(study);
  const store = state.store(study);
  if (asked === "pending" && from === 0) await claimName(store, plan.spec);
  const recorded = async (kind: RecordKind) => new Set(await recordedCells(store, kind, study.name, model));
  const skipped = await recorded("skipped");
  const all = expandCells(plan.spec, model).map((cell, index) => ({ index, cell, name: cellName(cell) }));
  const range = all.slice(from, to);
  const failed = asked === "failed" ? await recorded("failures") : undefined;
  const candidates = failed === undefined ? range : range.filter(({ name }) => failed.has(name));
  const cells: SweepPage["cells"][number][] = [];
  const done: CellCoordinates[] = [];
  let seen = 0;
  while (seen < candidates.length && cells.length + AT_A_TIME <= PAGE) {
    const some = candidates.slice(seen, seen + AT_A_TIME);
    const found = await findCells(
      plan,
      state.checkpoints(study),
      some.map(({ cell }) => cell),
    );
    const open = some.filter(({ name }, i) => found[i] === undefined && !skipped.has(name));
    cells.push(...open.map(({ index, cell }) => ({ index, cell })));
    const passed = some.filter(({ index }, i) => found[i] !== undefined && index >= counted);
    done.push(...passed.map(({ cell }) => cell));
    seen += some.length;
    report({ stage: "looking for finished cells", done: from + seen, total: all.length });
  }
  return {
    state: asked,
    total: all.length,
    blocks: plan.models[model].blocks,
    evaluations: evaluationsOf(plan.spec),
    methods: countByMethod(all.map(({ cell }) => cell)),
    done: countByMethod(done),
    skipped: skipped.size,
    cells,
    next: candidates[seen]?.index ?? null,
  };
}

function countByMethod(cells: readonly CellCoordinates[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { methodLabel } of cells) counts[methodLabel] = (counts[methodLabel] ?? 0) + 1;
  return counts;
}
