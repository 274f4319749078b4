import { leastCertainFirst } from "../../activities/least-certain.js";
import { createProcessState, plansPrefix } from "../../activities/process-state.js";
import { readOutcomes } from "../../activities/read-outcomes.js";
import { readCells } from "../../activities/report-study.js";
import type { StoreLocation } from "../../storage/store.js";
import { TouchstoneError } from "../../study/errors.js";
import { cellName } from "../../study/names.js";
import { splitTaskName } from "../../study/task-name.js";
import type { DenseModel, Pool } from "./pool.js";

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
  const pools = new Map<string, { model: string; sets: Map<string, Pool["sets"][number]> }>();
  const orders = new Map<string, DenseModel["leastCertainFirst"]>();
  for (const key of plans) {
    const study = { ...location, name, plan: key.slice(plansPrefix(name).length).replace(/\.json$/, "") };
    const plan = await state.plan(study);
    const { cells } = await readCells(plan, study, context);
    const outcomes = await readOutcomes(plan, study, cells, context);
    if (outcomes.missing !== undefined) throw new TouchstoneError("InvalidData", { what: outcomes.missing });
    const names = plan.spec.evaluation.tasks.filter((task) => splitTaskName(task).perturbation === null);
    for (const { id } of plan.spec.models) {
      const order = (task: string) => leastCertainFirst(plan, state.checkpoints(study), [id], task);
      orders.set(id, await Promise.all(names.map(order)));
    }
    for (const cell of cells) {
      const set = outcomes.cells.get(cellName(cell));
      if (cell.source === null || set === undefined) continue;
      const name = [cell.model, cell.methodLabel, `${cell.size} sequences`].join(", ");
      const pool = pools.get(name) ?? { model: cell.model, sets: new Map() };
      pool.sets.set(cellName(cell), set);
      pools.set(name, pool);
    }
  }
  return Array.from(pools, ([pool, { model, sets }]) => {
    const others = Array.from(pools.values()).filter((other) => other.model === model);
    const compressed = others.reduce((sum, other) => sum + other.sets.size, 0);
    const dense = { leastCertainFirst: orders.get(model) ?? [], compressed };
    return { name: pool, sets: Array.from(sets.values()), dense };
  });
}
