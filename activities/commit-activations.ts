import { type ActivationChunk, encodeActivations } from "../storage/activations.js";
import { openCheckpoints } from "../storage/checkpoints.js";
import type { StoreTask } from "../storage/threaded-store.js";

/** Hidden states before a block, in the chunks that `chunkSequences` makes. */
export interface ActivationsCommit {
  derivation: unknown;
  chunks: readonly ActivationChunk[];
}

/** What their manifest says. */
export interface ActivationFacts {
  chunks: number;
}

/** Encodes and stores them. Runs in the store's thread. */
export const run: StoreTask<ActivationsCommit, void> = async (store, { derivation, chunks }) => {
  const objects: Record<string, Uint8Array> = {};
  let sequence = 0;
  for (const [i, chunk] of chunks.entries()) {
    objects[chunkName(i)] = encodeActivations(chunk, sequence);
    sequence += chunk.sequences;
  }
  const facts: ActivationFacts = { chunks: chunks.length };
  await openCheckpoints(store).commit("activations", derivation, objects, facts);
  return { value: undefined };
};

export function chunkName(index: number): string {
  return `chunk-${index}`;
}
