import { askTask } from "../../activities/asked-task.js";
import { cellCertainties } from "../../activities/least-certain.js";
import { createProcessState, plansPrefix } from "../../activities/process-state.js";
import { readOutcomes } from "../../activities/read-outcomes.js";
import { readCells } from "../../activities/report-study.js";
import type { StoreLocation } from "../../storage/store.js";
import { denseCell, pilotOf } from "../../study/cells.js";
import { TouchstoneError } from "../../study/errors.js";
import { cellName } from "../../study/names.js";
import type { CellCoordinates } from "../../study/results.js";
import { isUnperturbed } from "../../study/task-name.js";
import type { Pool, PoolCertainty } from "./pool.js";

/**
 * The outcomes of a study in the store, a pool for each model, method and size: sets of all its sources, as of one source of mixed texts.
 * @throws TouchstoneError UnknownStudy; and as the tasks' records and the store have it
 */
export async function storedPools(name: string, location: StoreLocation): Promise<Pool[]> {
  const state = createProcessState();
  const context = { state, report: () => {}, signal: new AbortController().signal };
  const plans = await state.store({ ...location, name, plan: "" }).list(plansPrefix(name));
  if (plans.length === 0) {
    throw new TouchstoneError("UnknownStudy", {
      what: `There is no study ${name} in the store`,
      where: `bucket ${location.bucket}, prefix "${location.prefix}"`,
      todo: "Give --study the name, and --bucket and --prefix the place, of a study that has run.",
    });
  }
  // A study that was started again with other files has several plans, and may have cells in common.
  const pools = new Map<string, Omit<PoolCertainty, "values"> & { sets: Map<string, StoredSet> }>();
  for (const key of plans) {
    const study = { ...location, name, plan: key.slice(plansPrefix(name).length).replace(/\.json$/, "") };
    const plan = await state.plan(study);
    const { cells } = await readCells(plan, study, context);
    const outcomes = await readOutcomes(plan, study, cells, context);
    if (outcomes.missing !== undefined) throw new TouchstoneError("InvalidData", { what: outcomes.missing });
    const names = plan.spec.evaluation.tasks.filter(isUnperturbed);
    const asked = await Promise.all(names.map((task) => askTask(plan, task)));
    const certaintiesOf = (cell: CellCoordinates) =>
      Promise.all(asked.map((task) => cellCertainties(plan, state.checkpoints(study), cell, task)));
    for (const cell of cells) {
      const set = outcomes.cells.get(cellName(cell));
      if (cell.source === null || set === undefined) continue;
      const name = [cell.model, cell.methodLabel, `${cell.size} sequences`].join(", ");
      const { model, methodLabel, size } = cell;
      const pilot = pilotOf(plan.spec, model);
      const isPilots = pilot?.methodLabel === methodLabel && pilot.size === size;
      const pool = pools.get(name) ?? {
        ...{ model, isPilots, dense: await certaintiesOf(denseCell(model)) },
        sets: new Map<string, StoredSet>(),
      };
      pool.sets.set(cellName(cell), { outcomes: set, certainties: await certaintiesOf(cell) });
      pools.set(name, pool);
    }
  }
  return Array.from(pools, ([pool, { sets, ...about }]) => {
    const all = Array.from(sets.values());
    const certainty = { ...about, values: all.map(({ certainties }) => certainties) };
    return { name: pool, sets: all.map(({ outcomes }) => outcomes), certainty };
  });
}

interface StoredSet {
  outcomes: Pool["sets"][number];
  /** [task][record] */
  certainties: readonly Float64Array[];
}
