import { identity } from "../storage/identity.js";
import type { MethodSettings } from "../study/methods.js";
import { holdActivations } from "./block-inputs.js";
import type { CellTask } from "./cell-task.js";
import { blockDerivation } from "./derivations.js";
import type { Activations } from "./process-state.js";
import type { Solution } from "./solution.js";
import { solveBlock } from "./solve-block.js";
import type { StepContext } from "./step.js";

/** The compressed block: computed ahead while what is before it was stored, else now. @throws as `solveBlock` */
export async function obtainSolution(
  task: CellTask,
  settings: MethodSettings,
  block: number,
  context: StepContext,
): Promise<Solution> {
  const ahead = await context.state.ahead.take(aheadKey(task, block), context);
  return ahead ?? solveBlock(task, settings, block, context);
}

/**
 * Hands a block its inputs, and begins with it where the process would only wait for the store: with several cells the others'
 * blocks come first.
 * @param inputs empty for methods without data
 * @param storing the step in which it begins
 * @param isStored whether the block is done already
 */
export function solveAhead(
  task: CellTask,
  settings: MethodSettings,
  block: number,
  { inputs, storing, isStored }: { inputs: Activations; storing: Promise<unknown>; isStored: Promise<boolean> },
  { state }: StepContext,
): void {
  if (inputs.length > 0) {
    const own = inputs.map((chunk) => chunk.share());
    holdActivations(task, block, own, { state });
  }
  if (!state.compressing.idle) return;
  state.ahead.begin(aheadKey(task, block), storing, async (listener) =>
    (await isStored) ? undefined : solveBlock(task, settings, block, { state, ...listener }),
  );
}

/** Whether a block is in the store. What can't be told now is told to the block's own step. */
export async function isBlockStored(
  { plan, cell, calibration, checkpoints }: CellTask,
  block: number,
): Promise<boolean> {
  const derivation = blockDerivation(plan, cell, calibration.facts.digest, block);
  return checkpoints.find("block", derivation).then(
    (found) => found !== undefined,
    () => true,
  );
}

function aheadKey({ plan, cell, calibration }: CellTask, block: number): string {
  return identity(blockDerivation(plan, cell, calibration.facts.digest, block));
}
