import * as tf from "@tensorflow/tfjs-core";
import type { SolvedBlock, SolvedLayer } from "../compression/compress-block.js";
import { encodeLayer, storedBits, zeroWeights } from "../compression/stored-layer.js";
import { identity } from "../storage/identity.js";
import type { MethodSettings } from "../study/methods.js";
import { activationInterval } from "../study/spec.js";
import type { BlockFacts } from "./block-facts.js";
import { activationsKey, removeActivations, storeActivations } from "./block-inputs.js";
import { type CellRef, type CellTask, cellTask } from "./cell-task.js";
import { blockDerivation, usesActivations } from "./derivations.js";
import type { Solution } from "./solution.js";
import { solveBlock } from "./solve-block.js";
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

  const { solved, read, isLast } = await obtain(task, settings, block, context);
  try {
    const objects = Object.fromEntries(solved.layers.map((layer) => [layer.name, encode(layer, settings, task)]));
    const facts = describe(solved, objects, read);
    const storing = store(task, block, solved, { derivation, objects, facts, isLast }, context);
    if (!isLast) beginNext(task, settings, block + 1, { solved, storing }, context);
    await storing;
    return { reused: false, error: facts.error };
  } finally {
    tf.dispose(solved.outputs);
  }
}

/** The compressed block: computed ahead while the one before it was stored, else now. */
async function obtain(
  task: CellTask,
  settings: MethodSettings,
  block: number,
  context: StepContext,
): Promise<Solution> {
  const ahead = await context.state.ahead.take(aheadKey(task, block), context);
  return ahead ?? solveBlock(task, settings, block, context);
}

/**
 * Hands the outputs on to the next block, and begins with it where the process would only wait for the store: with several
 * cells the others' blocks come first.
 */
function beginNext(
  task: CellTask,
  settings: MethodSettings,
  block: number,
  { solved: { outputs }, storing }: { solved: SolvedBlock; storing: Promise<void> },
  { state }: StepContext,
): void {
  if (outputs.length > 0)
    state.activations.put(
      activationsKey(task, block),
      outputs.map((chunk) => tf.clone(chunk)),
    );
  if (!state.compressing.idle) return;
  state.ahead.begin(aheadKey(task, block), storing, async (listener) => {
    const derivation = blockDerivation(task.plan, task.cell, task.calibration.facts.digest, block);
    const found = await task.checkpoints.find("block", derivation);
    return found === undefined ? solveBlock(task, settings, block, { state, ...listener }) : undefined;
  });
}

function aheadKey({ plan, cell, calibration }: CellTask, block: number): string {
  return identity(blockDerivation(plan, cell, calibration.facts.digest, block));
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
