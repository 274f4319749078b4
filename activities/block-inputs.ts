import * as tf from "@tensorflow/tfjs-core";
import { chunkSequences, disposeAll, embedEach, runBlock, toTensors } from "../models/forward.js";
import type { Model } from "../models/model.js";
import { type ActivationChunk, decodeActivations } from "../storage/activations.js";
import type { Manifest } from "../storage/checkpoints.js";
import { identity } from "../storage/identity.js";
import { activationDtypeOf } from "../study/activation-dtype.js";
import { TouchstoneError } from "../study/errors.js";
import { fromResting } from "../tensor/resting-values.js";
import { disposeShelved, type Shelf, type Shelved, shelveAll } from "../tensor/shelf.js";
import { readCalibrationSet } from "./calibration-of.js";
import type { CellTask } from "./cell-task.js";
import { compressedWeights } from "./compressed-weights.js";
import { activationsDerivation } from "./derivations.js";
import type { Activations, ProcessState } from "./process-state.js";
import type { StepContext } from "./step.js";
import type { ChunkToWrite, WrittenChunk } from "./write-chunk.js";

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
  const stored = await readStored(task, block, shelfFor(task, context));
  if (stored !== undefined) {
    context.state.keeping.kept.set(cellKey(task), block);
    return stored;
  }
  if (block === 0) return embed(task, model, context);

  const before = takeHeld(task, block - 1, context) ?? (await restored(task, model, block - 1, context));
  context.report({ stage: "passing forward to where it stopped", done: block, total: model.config.blocks });
  const weights = toTensors(await compressedWeights(task, model, block - 1, context));
  try {
    return await shelveAll(forward(before), shelfFor(task, context));
  } finally {
    disposeAll(weights);
    disposeShelved(before);
  }

  async function* forward(chunks: Activations) {
    for (const chunk of chunks) {
      const hidden = await chunk.tensor();
      const after = runBlock(model, block - 1, weights, hidden);
      hidden.dispose();
      chunk.dispose();
      yield after;
    }
  }
}

/** Token ids through the embedding. The caller disposes the result. */
export async function embed(task: CellTask, model: Model, context: StepContext): Promise<Activations> {
  const { sequences } = await readCalibrationSet(task.checkpoints, task.calibration);
  const chunks = chunkSequences(sequences.map(({ tokens }) => tokens));
  return shelveAll(embedEach(model, chunks), shelfFor(task, context));
}

/** Where the hidden states of a study's calibration sequences rest. */
export function shelfFor({ plan }: Pick<CellTask, "plan">, { state }: Pick<StepContext, "state">): Shelf {
  return state.shelf.as(activationDtypeOf(plan.spec.calibration));
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

/** Chunks that are in memory on their way to the store. */
const CHUNKS_AT_A_TIME = 4;

/** What the manifest of kept hidden states says. */
interface ActivationFacts {
  chunks: number;
}

/** Keeps a block's inputs in the store. */
export async function storeActivations(
  { plan, cell, store, checkpoints, calibration }: CellTask,
  block: number,
  activations: Activations,
  { keeping }: Pick<ProcessState, "keeping">,
): Promise<void> {
  const module = new URL("./write-chunk.js", import.meta.url);
  let sequences = 0;
  const firstSequences = activations.map(({ shape }) => {
    sequences += shape[0];
    return sequences - shape[0];
  });
  const write = async (chunk: Shelved, i: number) => {
    const input: ChunkToWrite = { chunk: await chunkOf(chunk), firstSequence: firstSequences[i] };
    return store.run<WrittenChunk>(module, input, [input.chunk.values.buffer as ArrayBuffer]);
  };
  const written: WrittenChunk[] = [];
  for (let i = 0; i < activations.length; i += CHUNKS_AT_A_TIME) {
    const some = activations.slice(i, i + CHUNKS_AT_A_TIME);
    written.push(...(await Promise.all(some.map((chunk, j) => write(chunk, i + j)))));
  }
  const derivation = activationsDerivation(plan, cell, calibration.facts.digest, block);
  const objects = Object.fromEntries(written.map(({ object }, i) => [chunkName(i), object]));
  await checkpoints.commit<ActivationFacts>("activations", derivation, objects, { chunks: written.length });
  const bytes = written.reduce((sum, { object }) => sum + object.bytes, 0);
  keeping.wrote(bytes, Math.max(...written.map(({ ended }) => ended)) - written[0].began);
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

async function chunkOf({ shape, dtype, values }: Shelved): Promise<ActivationChunk> {
  const [sequences, tokens, hiddenSize] = shape;
  return { sequences, tokens, hiddenSize, dtype, values: await values() };
}

async function readStored(task: CellTask, block: number, shelf: Shelf): Promise<Activations | undefined> {
  const { plan, cell, calibration, checkpoints } = task;
  const derivation = activationsDerivation(plan, cell, calibration.facts.digest, block);
  const manifest = await checkpoints.find<ActivationFacts>("activations", derivation);
  return manifest && (await shelveAll(chunks(manifest), shelf));

  async function* chunks(of: Manifest<ActivationFacts>) {
    for (let i = 0; i < of.facts.chunks; i++) {
      const { values, dtype, sequences, tokens, hiddenSize } = await readChunk(task, of, chunkName(i));
      yield tf.tensor3d(fromResting(values, dtype), [sequences, tokens, hiddenSize]);
    }
  }
}

function chunkName(index: number): string {
  return `chunk-${index}`;
}

async function readChunk({ checkpoints }: CellTask, manifest: Manifest, name: string): Promise<ActivationChunk> {
  return decodeActivations(await checkpoints.object(manifest, name), `activations ${manifest.key}, ${name}`);
}
