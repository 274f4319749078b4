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

  const { solved, read, isLast } = await solve(task, settings, block, context);
  try {
    const objects = Object.fromEntries(solved.layers.map((layer) => [layer.name, encode(layer, settings, task)]));
    const facts = describe(solved, objects, read);
    await store(task, block, solved, { derivation, objects, facts, isLast }, context);
    if (solved.outputs.length > 0) context.state.activations.put(activationsKey(task, block + 1), solved.outputs);
    return { reused: false, error: facts.error };
  } catch (error) {
    tf.dispose(solved.outputs);
    throw error;
  }
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
    }, context.signal);
    return { solved, read, isLast };
  } finally {
    tf.dispose([...inputs]);
  }
}

interface StoredBlock {
  derivation: unknown;
  objects: Readonly<Record<string, Uint8Array>>;
  facts: BlockFacts;
  isLast: boolean;
}

/** The layers, and where a boundary is kept the block's outputs; the manifest of the block makes it done. */
async function store(
  task: CellTask,
  block: number,
  solved: SolvedBlock,
  { derivation, objects, facts, isLast }: StoredBlock,
  context: StepContext,
): Promise<void> {
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

function encode({ compressed, tensor, ...layer }: SolvedLayer, settings: MethodSettings, task: CellTask): Uint8Array {
  const { plan, cell, calibration } = task;
  const model = plan.models[cell.model].digest;
  // Of methods without data all sets' layers are the same object.
  const inputs = usesActivations(cell) ? { model, calibration: calibration.facts.digest } : { model };
  return encodeLayer(compressed, { ...layer, name: tensor, settings, inputs });
}

function describe({ layers, seconds }: SolvedBlock, objects: StoredBlock["objects"], read: number): BlockFacts {
  const sum = (of: (layer: SolvedLayer) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  return {
    weights: sum(({ compressed }) => compressed.weight.length),
    bits: sum(({ name }) => storedBits(objects[name], name)),
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
