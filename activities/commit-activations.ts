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

/** What it took to write them. */
export interface WrittenActivations {
  bytes: number;
  seconds: number;
}

/** Encodes and stores them. Runs in the store's thread. */
export const run: StoreTask<ActivationsCommit, WrittenActivations> = async (store, { derivation, chunks }) => {
  const started = performance.now();
  const objects: Record<string, Uint8Array> = {};
  let sequence = 0;
  for (const [i, chunk] of chunks.entries()) {
    objects[chunkName(i)] = encodeActivations(chunk, sequence);
    sequence += chunk.sequences;
  }
  const facts: ActivationFacts = { chunks: chunks.length };
  await openCheckpoints(store).commit("activations", derivation, objects, facts);
  const bytes = Object.values(objects).reduce((sum, { length }) => sum + length, 0);
  return { value: { bytes, seconds: (performance.now() - started) / 1000 } };
};

export function chunkName(index: number): string {
  return `chunk-${index}`;
}
