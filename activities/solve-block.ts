import { setImmediate } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs-core";
import { compressBlock } from "../compression/compress-block.js";
import type { MethodSettings } from "../study/methods.js";
import { blockInputs } from "./block-inputs.js";
import type { CellTask } from "./cell-task.js";
import { usesActivations } from "./derivations.js";
import type { Activations } from "./process-state.js";
import type { Solution } from "./solution.js";
import type { StepContext } from "./step.js";

/** @throws TouchstoneError as `compressBlock` and `blockInputs` */
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
  const inputs: Activations = usesActivations(cell) ? await blockInputs(task, model, block, context) : [];
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
      return compressBlock(model, block, weights, inputs, settings, { outputs: !isLast, pause });
    }, context.signal);
    return { solved, read, isLast };
  } finally {
    tf.dispose([...inputs]);
  }
}
