import { type ActivationChunk, encodeActivations } from "../storage/activations.js";
import { openCheckpoints, type StoredObject } from "../storage/checkpoints.js";
import type { StoreTask } from "../storage/threaded-store.js";

/** A chunk of hidden states before a block, as `chunkSequences` makes them. */
export interface ChunkToWrite {
  chunk: ActivationChunk;
  /** Sequences in the chunks before it. */
  firstSequence: number;
}

export interface WrittenChunk {
  object: StoredObject;
  /** Seconds, by the clock of the thread. */
  began: number;
  ended: number;
}

/** Encodes and stores it; nothing names it yet. Runs in the store's thread. */
export const run: StoreTask<ChunkToWrite, WrittenChunk> = async (store, { chunk, firstSequence }) => {
  const began = performance.now() / 1000;
  const object = await openCheckpoints(store).write(encodeActivations(chunk, firstSequence));
  return { value: { object, began, ended: performance.now() / 1000 } };
};
