import { setImmediate } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs-core";
import { compressBlock as compress, type SolvedBlock, type SolvedLayer } from "../compression/compress-block.js";
import { encodeLayer, storedBits, zeroWeights } from "../compression/stored-layer.js";
import type { MethodSettings } from "../study/methods.js";
import { activationInterval } from "../study/spec.js";
import type { BlockFacts } from "./block-facts.js";
import { activationsKey, blockInputs, removeActivations, storeActivations } from "./block-inputs.js";
import { type CellRef, type CellTask, cellTask } from "./cell-task.js";
import { blockDerivation, usesActivations } from "./derivations.js";
import type { Activations } from "./process-state.js";
import type { StepContext } from "./step.js";

export interface BlockResult {
  /** It was in the store already. */
  reused: boolean;
  error: number | null;
}

/**
 * Compresses one block and stores its layers, unless that was done before.
 * @throws TouchstoneError NumericalError, InvalidSettings, InvalidModel; CheckpointCorrupt and storage errors (retryable)
 */
export async function compressBlock(
  { block, ...ref }: CellRef & { block: number },
  context: StepContext,
): Promise<BlockResult> {
  const task = await cellTask(ref, context);
  const settings = ref.cell.method;
  if (task === undefined || settings === null) throw new RangeError("the dense model has no block to compress");
  const derivation = blockDerivation(task.plan, task.cell, task.calibration.facts.digest, block);
  const found = await task.checkpoints.find<BlockFacts>("block", derivation);
  if (found !== undefined) return { reused: true, error: found.facts.error };

  const { solved, facts, isLast } = await solve(task, settings, block, context);
  try {
    await store(task, settings, block, solved, { derivation, facts, isLast }, context);
  } catch (error) {
    tf.dispose(solved.outputs);
    throw error;
  }
  if (solved.outputs.length > 0) context.state.activations.put(activationsKey(task, block + 1), solved.outputs);
  return { reused: false, error: facts.error };
}

async function solve(task: CellTask, settings: MethodSettings, block: number, context: StepContext) {
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
    const solved = await context.state.compressing(async () => {
      await pause();
      return compress(model, block, weights, inputs, settings, { outputs: !isLast, pause });
    });
    return { solved, facts: describe(solved, read), isLast };
  } finally {
    tf.dispose([...inputs]);
  }
}

/** The layers, and where a boundary is kept the block's outputs; the manifest of the block makes it done. */
async function store(
  task: CellTask,
  settings: MethodSettings,
  block: number,
  solved: SolvedBlock,
  { derivation, facts, isLast }: { derivation: unknown; facts: BlockFacts; isLast: boolean },
  context: StepContext,
): Promise<void> {
  const objects = Object.fromEntries(solved.layers.map((layer) => [layer.name, encode(layer, settings)]));
  context.signal.throwIfAborted();
  const keep = boundary(task, block + 1, isLast);
  const [manifest] = await Promise.all([
    task.checkpoints.commit("block", derivation, objects, facts),
    keep ? storeActivations(task, block + 1, solved.outputs) : undefined,
  ]);
  // Later steps of this process need not read back what was just written; where another attempt was first, its result counts.
  if (manifest.facts === facts) context.state.blocks.set(manifest.key, weightsOf(solved));
  if (keep || isLast) await removeActivations(task, lastBoundary(task, block));
}

function weightsOf({ layers }: SolvedBlock): ReadonlyMap<string, Float32Array> {
  return new Map(layers.map(({ name, compressed }) => [name, compressed.weight]));
}

function encode({ compressed, tensor, rows, columns, error }: SolvedLayer, settings: MethodSettings): Uint8Array {
  return encodeLayer(compressed, { name: tensor, rows, columns, error, settings });
}

function describe({ layers, seconds }: SolvedBlock, read: number): BlockFacts {
  const sum = (of: (layer: SolvedLayer) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  return {
    weights: sum(({ compressed }) => compressed.weight.length),
    bits: sum(({ compressed }) => storedBits(compressed)),
    zeros: sum(({ compressed }) => zeroWeights(compressed.weight)),
    error: layers.some(({ error }) => error === null) ? null : sum(({ error }) => error ?? 0),
    layers: layers.map(({ name, error, compressed }) => ({ name, error, damping: compressed.damping ?? null })),
    seconds: { read, ...seconds },
  };
}

/** Whether the inputs of `block` are kept in the store. */
function boundary(task: CellTask, block: number, isLast: boolean): boolean {
  return !isLast && usesActivations(task.cell) && block % activationInterval(task.plan.spec) === 0;
}

/** The latest kept boundary at or before `block`. */
function lastBoundary(task: CellTask, block: number): number {
  const interval = activationInterval(task.plan.spec);
  return Number.isFinite(interval) ? Math.floor(block / interval) * interval : 0;
}
