import * as tf from "@tensorflow/tfjs-core";
import { chunkSequences, disposeAll, embedChunks, runBlock, toTensors } from "../models/forward.js";
import type { Model } from "../models/model.js";
import { type ActivationChunk, decodeActivations } from "../storage/activations.js";
import type { Manifest } from "../storage/checkpoints.js";
import { identity } from "../storage/identity.js";
import { TouchstoneError } from "../study/errors.js";
import { readCalibrationSet } from "./calibration-of.js";
import type { CellTask } from "./cell-task.js";
import {
  type ActivationFacts,
  type ActivationsCommit,
  chunkName,
  type WrittenActivations,
} from "./commit-activations.js";
import { compressedWeights } from "./compressed-weights.js";
import { activationsDerivation } from "./derivations.js";
import type { Activations, ProcessState } from "./process-state.js";
import type { StepContext } from "./step.js";

/** Identity of the inputs of a block in this process's memory. */
export function activationsKey({ plan, cell, calibration }: CellTask, block: number): string {
  return identity(activationsDerivation(plan, cell, calibration.facts.digest, block));
}

/**
 * A block's inputs: from memory, from the store, or computed forward from the last block boundary that one of them has,
 * through blocks that are compressed already. All three give the same bits. The caller disposes them.
 */
export async function blockInputs(
  task: CellTask,
  model: Model,
  block: number,
  context: StepContext,
): Promise<Activations> {
  const held = takeHeld(task, block, context);
  if (held !== undefined) return held;
  if (block > 0) await context.state.keeping.lost();
  return restored(task, model, block, context);
}

function takeHeld(task: CellTask, block: number, { state }: StepContext): Activations | undefined {
  const key = activationsKey(task, block);
  // The embedding serves every method; what comes after a compressed block serves this cell alone.
  return block === 0 ? state.activations.share(key) : state.activations.take(key);
}

async function restored(task: CellTask, model: Model, block: number, context: StepContext): Promise<Activations> {
  const stored = await readStored(task, block);
  if (stored !== undefined) {
    context.state.keeping.kept.set(cellKey(task), block);
    return stored;
  }
  if (block === 0) return embed(task, model);

  const before = takeHeld(task, block - 1, context) ?? (await restored(task, model, block - 1, context));
  context.report({ stage: "passing forward to where it stopped", done: block, total: model.config.blocks });
  const weights = toTensors(await compressedWeights(task, model, block - 1, context));
  try {
    return before.map((chunk) => runBlock(model, block - 1, weights, chunk));
  } finally {
    disposeAll(weights);
    tf.dispose([...before]);
  }
}

/** Token ids through the embedding. The caller disposes the result. */
export async function embed({ checkpoints, calibration }: CellTask, model: Model): Promise<Activations> {
  const { sequences } = await readCalibrationSet(checkpoints, calibration);
  return embedChunks(model, chunkSequences(sequences.map(({ tokens }) => tokens)));
}

/** Hands a block's inputs over to this process's memory; where the process is stopped, the store gets those that it lacks. */
export function holdActivations(
  task: CellTask,
  block: number,
  activations: Activations,
  { state }: Pick<StepContext, "state">,
): void {
  const { plan, cell, calibration, checkpoints } = task;
  state.activations.put(activationsKey(task, block), activations, async () => {
    const derivation = activationsDerivation(plan, cell, calibration.facts.digest, block);
    if ((await checkpoints.find("activations", derivation)) === undefined)
      await storeActivations(task, block, activations, state);
  });
}

/** Keeps a block's inputs in the store. */
export async function storeActivations(
  { plan, cell, store, calibration }: CellTask,
  block: number,
  activations: Activations,
  { keeping }: Pick<ProcessState, "keeping">,
): Promise<void> {
  const derivation = activationsDerivation(plan, cell, calibration.facts.digest, block);
  const chunks = await Promise.all(activations.map(copyOf));
  const commit: ActivationsCommit = { derivation, chunks };
  const buffers = chunks.map(({ values }) => values.buffer as ArrayBuffer);
  const module = new URL("./commit-activations.js", import.meta.url);
  const { bytes, seconds } = await store.run<WrittenActivations>(module, commit, buffers);
  keeping.wrote(bytes, seconds);
}

/** A block's inputs are kept now, and those of the boundary before aren't needed; but those of block 0 are, by other methods. */
export async function passBoundary(task: CellTask, block: number, { state }: StepContext): Promise<void> {
  const before = lastBoundary(task, state);
  state.keeping.kept.set(cellKey(task), block);
  if (before > 0) await removeBoundary(task, before);
}

/** The last kept boundary of a cell that this process computes. */
export function lastBoundary(task: CellTask, { keeping }: Pick<ProcessState, "keeping">): number {
  return keeping.kept.get(cellKey(task)) ?? 0;
}

/** Removes all that is kept of a cell's blocks after the embedding, also what processes left that are gone. */
export async function removeBoundaries(task: CellTask): Promise<void> {
  const { blocks } = task.plan.models[task.cell.model];
  await Promise.all(Array.from({ length: blocks - 1 }, (_, i) => removeBoundary(task, i + 1)));
}

/** What the store doesn't remove now is left to `touchstone gc`: no reason to try the step again. */
async function removeBoundary({ plan, cell, calibration, checkpoints }: CellTask, block: number): Promise<void> {
  const derivation = activationsDerivation(plan, cell, calibration.facts.digest, block);
  await checkpoints.remove("activations", derivation).catch((error: unknown) => {
    if (!(error instanceof TouchstoneError)) throw error;
  });
}

function cellKey(task: CellTask): string {
  return activationsKey(task, 1);
}

/** What a tensor gives may be the tensor's own. */
async function copyOf(chunk: tf.Tensor3D): Promise<ActivationChunk> {
  const [sequences, tokens, hiddenSize] = chunk.shape;
  const values = ((await chunk.data()) as Float32Array).slice();
  return { sequences, tokens, hiddenSize, values };
}

async function readStored(task: CellTask, block: number): Promise<Activations | undefined> {
  const { plan, cell, calibration, checkpoints } = task;
  const derivation = activationsDerivation(plan, cell, calibration.facts.digest, block);
  const manifest = await checkpoints.find<ActivationFacts>("activations", derivation);
  if (manifest === undefined) return undefined;
  const chunks: ActivationChunk[] = [];
  for (let i = 0; i < manifest.facts.chunks; i++) chunks.push(await readChunk(task, manifest, chunkName(i)));
  return chunks.map(({ values, sequences, tokens, hiddenSize }) =>
    tf.tensor3d(values, [sequences, tokens, hiddenSize]),
  );
}

async function readChunk({ checkpoints }: CellTask, manifest: Manifest, name: string): Promise<ActivationChunk> {
  return decodeActivations(await checkpoints.object(manifest, name), `activations ${manifest.key}, ${name}`);
}
