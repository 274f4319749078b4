import { identity } from "../storage/identity.js";
import { activationsKey, embed, storeActivations } from "./block-inputs.js";
import { type CellRef, cellTask } from "./cell-task.js";
import { computeOnce } from "./compute-once.js";
import { activationsDerivation, usesActivations } from "./derivations.js";
import type { StepContext } from "./step.js";

/** The inputs of the first block: computed once for all methods that use the set. */
export async function embedCalibration(ref: CellRef, context: StepContext): Promise<{ key: string | null }> {
  const task = await cellTask(ref, context);
  if (task === undefined || !usesActivations(task.cell)) return { key: null };
  const { plan, cell, calibration, checkpoints } = task;
  const derivation = activationsDerivation(plan, cell, calibration.facts.digest, 0);
  const key = identity(derivation);
  const find = () => checkpoints.find("activations", derivation);
  const compute = async () => {
    await context.state.requireEnvironment(plan);
    context.report({ stage: "embedding", done: 0, total: 1 });
    const model = await context.state.model(plan, cell.model, cell.noise);
    const activations = await embed(task, model, context);
    await storeActivations(task, 0, activations, context.state);
    context.state.activations.put(activationsKey(task, 0), activations);
  };
  await computeOnce<unknown>(task.store, key, { find, compute }, context);
  return { key };
}
