import { setImmediate } from "node:timers/promises";
import { compressBlock } from "../compression/compress-block.js";
import { withPlace } from "../study/errors.js";
import type { MethodSettings } from "../study/methods.js";
import { cellName } from "../study/names.js";
import { disposeShelved } from "../tensor/shelf.js";
import { blockInputs, holdActivations, shelfFor } from "./block-inputs.js";
import type { CellTask } from "./cell-task.js";
import { usesActivations } from "./derivations.js";
import type { Activations } from "./process-state.js";
import type { Solution } from "./solution.js";
import type { StepContext } from "./step.js";

/** @throws TouchstoneError as `compressBlock` and `blockInputs`; numerical ones name cell and calibration set as well */
export async function solveBlock(
  task: CellTask,
  settings: MethodSettings,
  block: number,
  context: StepContext,
): Promise<Solution> {
  const { plan, cell } = task;
  await context.state.requireEnvironment(plan);
  const started = performance.now();
  const model = await context.state.model(plan, cell.model, cell.noise);
  const weights = await model.block(block);
  const activations: Activations = usesActivations(cell) ? await blockInputs(task, model, block, context) : [];
  const inputs = {
    dispose: () => disposeShelved(activations),
    putBack: () => putBack(task, block, activations, context),
  };
  const read = (performance.now() - started) / 1000;
  const isLast = block + 1 === model.config.blocks;
  // Between the pieces of its work it says that it lives, and lets the steps go on that store and read.
  const pause = async () => {
    context.report({ stage: "compressing", done: block, total: model.config.blocks });
    await setImmediate();
    context.signal.throwIfAborted();
  };
  try {
    const solved = await context.state.compressing.run(async () => {
      await pause();
      return compressBlock(model, block, weights, activations, settings, {
        shelf: shelfFor(task, context),
        outputs: !isLast,
        pause,
      });
    }, context.signal);
    return { solved, read, inputs };
  } catch (error) {
    if (context.signal.aborted) inputs.putBack();
    else inputs.dispose();
    throw withPlace(error, placeOf(task));
  }
}

/** The embedding, which others share, is where it was. */
function putBack(task: CellTask, block: number, activations: Activations, context: StepContext): void {
  if (block > 0 && activations.length > 0) holdActivations(task, block, activations, context);
  else disposeShelved(activations);
}

/** The cell, and the calibration set with its content: another cell may have the same under another name. */
function placeOf({ plan, cell, calibration }: CellTask): string {
  const { source, size, set } = cell;
  const { digest } = calibration.facts;
  return `cell ${plan.spec.name}/${cellName(cell)}, calibration set ${set} of ${source}, ${size} sequences, tokens ${digest.slice(0, 12)}`;
}
