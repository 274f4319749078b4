import { expandCells } from "../study/cells.js";
import { cellName } from "../study/names.js";
import { type CellState, evaluationsOf, type StudyRef, type SweepPage } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { type RecordKind, recordedCells } from "./cell-records.js";
import { findCells } from "./cell-result.js";
import { isConditional, neededCells } from "./needed-cells.js";
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
  /** Index up to which an earlier page has counted the cells that are done, and those that are not needed. */
  counted: number;
  /** Indexes of cells that run. */
  running?: readonly number[];
}

/** Cells a page: some kilobytes in a history. */
const PAGE = 50;
const AT_A_TIME = 25;

/**
 * The next cells of a model that are still to be computed, as many as one page holds, without those that are to be left out. From
 * the first page on the study's name is taken. In a study with `stopping` a page ends before a cell of which nobody can say yet
 * whether it is needed.
 */
export async function planSweep(request: PageRequest, context: StepContext): Promise<SweepPage> {
  const { study, model, state: asked, from, to, counted } = request;
  const { state, report } = context;
  const plan = await state.plan(study);
  const store = state.store(study);
  const checkpoints = state.checkpoints(study);
  if (asked === "pending" && from === 0) await claimName(store, plan.spec);
  const recorded = async (kind: RecordKind) => new Set(await recordedCells(store, kind, study.name, model));
  const skipped = await recorded("skipped");
  const failed = asked === "failed" ? await recorded("failures") : undefined;
  const all = expandCells(plan.spec, model).map((cell, index) => ({ index, cell, name: cellName(cell) }));
  const isTried = ({ name }: { name: string }) => failed === undefined || failed.has(name);
  // What was tried again may have made cells needed that weren't.
  const candidates = all.slice(from, to).filter((each) => isTried(each) || isConditional(plan.spec, each.cell));
  const need = neededCells(plan, checkpoints, openCells(all, skipped, request));
  const cells: SweepPage["cells"][number][] = [];
  const done: CellCoordinates[] = [];
  const notNeeded: CellCoordinates[] = [];
  let seen = 0;
  let waits = false;
  while (!waits && seen < candidates.length && cells.length + AT_A_TIME <= PAGE) {
    const some = candidates.slice(seen, seen + AT_A_TIME);
    const found = await findCells(
      plan,
      checkpoints,
      some.map(({ cell }) => cell),
    );
    for (const [i, { index, cell, name }] of some.entries()) {
      const isNew = index >= counted;
      const needed = found[i] !== undefined || skipped.has(name) ? "notNeeded" : await need(cell);
      waits = needed === "unknown";
      if (waits) break;
      seen++;
      if (needed === "needed") cells.push({ index, cell, ...(isTried({ name }) ? {} : { reopened: true }) });
      else if (isNew && found[i] !== undefined) done.push(cell);
      else if (isNew && !skipped.has(name)) notNeeded.push(cell);
    }
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
    ...(plan.spec.stopping === undefined ? {} : { notNeeded: countByMethod(notNeeded) }),
    ...(waits ? { waits } : {}),
  };
}

/** Cells that run, or that this page or a later one has. */
function openCells(
  all: readonly { index: number; name: string }[],
  skipped: ReadonlySet<string>,
  { from, running = [] }: PageRequest,
): (cell: CellCoordinates) => boolean {
  const indexes = new Map(all.map(({ name, index }) => [name, index]));
  return (cell) => {
    const index = indexes.get(cellName(cell)) ?? 0;
    return running.includes(index) || (index >= from && !skipped.has(cellName(cell)));
  };
}

function countByMethod(cells: readonly CellCoordinates[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { methodLabel } of cells) counts[methodLabel] = (counts[methodLabel] ?? 0) + 1;
  return counts;
}
