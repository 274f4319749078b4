import { createProcessState, plansPrefix } from "../../activities/process-state.js";
import { readOutcomes } from "../../activities/read-outcomes.js";
import { readCells } from "../../activities/report-study.js";
import type { StoreLocation } from "../../storage/store.js";
import { TouchstoneError } from "../../study/errors.js";
import { cellName } from "../../study/names.js";
import type { Pool } from "./pool.js";

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
  const pools = new Map<string, Map<string, Pool["sets"][number]>>();
  for (const key of plans) {
    const study = { ...location, name, plan: key.slice(plansPrefix(name).length).replace(/\.json$/, "") };
    const plan = await state.plan(study);
    const { cells } = await readCells(plan, study, context);
    const outcomes = await readOutcomes(plan, study, cells, context);
    if (outcomes.missing !== undefined) throw new TouchstoneError("InvalidData", { what: outcomes.missing });
    for (const cell of cells) {
      const set = outcomes.cells.get(cellName(cell));
      if (cell.source === null || set === undefined) continue;
      const pool = [cell.model, cell.methodLabel, `${cell.size} sequences`].join(", ");
      pools.set(pool, (pools.get(pool) ?? new Map()).set(cellName(cell), set));
    }
  }
  return Array.from(pools, ([pool, sets]) => ({ name: pool, sets: Array.from(sets.values()) }));
}
