import type { DescribedLayer, SolvedLayer } from "../compression/compress-block.js";
import { encodeLayer, storedBits, zeroWeights } from "../compression/stored-layer.js";
import { openCheckpoints } from "../storage/checkpoints.js";
import type { StoreTask } from "../storage/threaded-store.js";
import type { MethodSettings } from "../study/methods.js";
import type { BlockFacts } from "./block-facts.js";

/** A compressed block, and what is said of it. */
export interface BlockCommit {
  derivation: unknown;
  layers: readonly SolvedLayer[];
  described: readonly DescribedLayer[];
  settings: MethodSettings;
  /** Digests of what it was made from. */
  inputs: { model: string; calibration?: string };
  seconds: BlockFacts["seconds"];
}

export interface CommittedBlock {
  /** The manifest's. */
  key: string;
  error: number | null;
  /** The linears, by name, as dense weights; undefined where another attempt was first: then its result counts. */
  weights?: ReadonlyMap<string, Float32Array>;
}

/** Encodes and stores a block. Runs in the store's thread. */
export const run: StoreTask<BlockCommit, CommittedBlock> = async (store, commit) => {
  const { derivation, layers } = commit;
  const objects = Object.fromEntries(layers.map((layer) => [layer.name, encode(layer, commit)]));
  const facts = describe(commit, objects);
  const manifest = await openCheckpoints(store).commit("block", derivation, objects, facts);
  const { key, facts: kept } = manifest;
  if (kept !== facts) return { value: { key, error: kept.error } };
  const weights = new Map(layers.map(({ name, compressed }) => [name, compressed.weight]));
  const transferred = Array.from(weights.values(), ({ buffer }) => buffer as ArrayBuffer);
  return { value: { key, error: facts.error, weights }, transferred };
};

function encode({ compressed, tensor, ...layer }: SolvedLayer, { settings, inputs }: BlockCommit): Uint8Array {
  return encodeLayer(compressed, { ...layer, name: tensor, settings, inputs });
}

function describe(
  { layers, described, seconds }: BlockCommit,
  objects: Readonly<Record<string, Uint8Array>>,
): BlockFacts {
  const sum = (of: (layer: SolvedLayer) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  return {
    weights: sum(({ compressed }) => compressed.weight.length),
    bits: sum(({ name }) => storedBits(objects[name], name)),
    zeros: sum(({ compressed }) => zeroWeights(compressed.weight)),
    error: layers.some(({ error }) => error === null) ? null : sum(({ error }) => error ?? 0),
    layers: described,
    seconds,
  };
}
