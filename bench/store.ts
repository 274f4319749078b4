import { encodeActivations } from "../storage/activations.js";
import { type Manifest, openCheckpoints } from "../storage/checkpoints.js";
import { sha256 } from "../storage/identity.js";
import type { ObjectStore } from "../storage/store.js";
import type { BenchPart } from "./part.js";
import { withScratchStore } from "./scratch-store.js";
import { fastest, secondsSince } from "./timing.js";

interface StoreFigures {
  megabytes: number;
  commitMegabytesPerSecond: number;
  readMegabytesPerSecond: number;
  /** A checkpoint without objects of its own, as a cell's result is. */
  smallCommitMs: number;
  smallFindMs: number;
  encodeMegabytesPerSecond: number;
  sha256MegabytesPerSecond: number;
}

/** A block boundary of 16 x 256 tokens: chunks of 2,048 tokens. */
const CHUNK = { sequences: 8, tokens: 256 };
const CHUNKS = 2;
const COMMITS = 12;
const SMALL_COMMITS = 20;

/** Checkpoints of hidden states to and from the store, with their checksums, and this process's own share of that work. */
export const storePart: BenchPart<StoreFigures> = {
  title: "object store",
  usualSeconds: 10,
  measure: ({ model }) => withScratchStore((store) => measure(store, model.config.hiddenSize)),
  show: (figures) => ({
    head: ["checkpoints", "figure", "unit"],
    rows: [
      ["to the store, with checksums", figures.commitMegabytesPerSecond.toFixed(0), "MB/s"],
      ["from the store, with checksums", figures.readMegabytesPerSecond.toFixed(0), "MB/s"],
      ["small checkpoint written", figures.smallCommitMs.toFixed(1), "ms"],
      ["small checkpoint found", figures.smallFindMs.toFixed(1), "ms"],
      ["encoding to Arrow", figures.encodeMegabytesPerSecond.toFixed(0), "MB/s"],
      ["SHA-256", figures.sha256MegabytesPerSecond.toFixed(0), "MB/s"],
    ],
    notes: [`${figures.megabytes.toFixed(0)} MB of hidden states in ${COMMITS} checkpoints`],
  }),
};

async function measure(store: ObjectStore, hiddenSize: number): Promise<StoreFigures> {
  const checkpoints = openCheckpoints(store);
  const boundaries = Array.from({ length: COMMITS }, (_, i) => encodeBoundary(hiddenSize, i));
  const megabytes = boundaries.flatMap(Object.values<Uint8Array>).reduce((sum, { length }) => sum + length, 0) / 1e6;
  const values = new Float32Array(CHUNK.sequences * CHUNK.tokens * hiddenSize);
  const encode = () => encodeActivations({ ...CHUNK, hiddenSize, dtype: "float32", values }, 0);
  const encoded = encode();

  const manifests: Manifest[] = [];
  const commitSeconds = await seconds(async () => {
    for (const [bench, chunks] of boundaries.entries()) {
      manifests.push(await checkpoints.commit("activations", { bench }, chunks, {}));
    }
  });
  const readSeconds = await seconds(async () => {
    for (const manifest of manifests) {
      for (const name of Object.keys(manifest.objects)) await checkpoints.object(manifest, name);
    }
  });
  const smallCommit = await seconds(async () => {
    for (let bench = 0; bench < SMALL_COMMITS; bench++) await checkpoints.commit("cell", { bench }, {}, {});
  });
  const smallFind = await seconds(async () => {
    for (let bench = 0; bench < SMALL_COMMITS; bench++) await checkpoints.find("cell", { bench });
  });
  return {
    megabytes,
    commitMegabytesPerSecond: megabytes / commitSeconds,
    readMegabytesPerSecond: megabytes / readSeconds,
    smallCommitMs: (1000 * smallCommit) / SMALL_COMMITS,
    smallFindMs: (1000 * smallFind) / SMALL_COMMITS,
    encodeMegabytesPerSecond: encoded.length / 1e6 / fastest(encode),
    sha256MegabytesPerSecond: encoded.length / 1e6 / fastest(() => sha256(encoded)),
  };
}

/** Values that no other boundary has: the same bytes would be stored once. */
function encodeBoundary(hiddenSize: number, seed: number): Record<string, Uint8Array> {
  const chunk = (index: number): [string, Uint8Array] => {
    const values = new Float32Array(CHUNK.sequences * CHUNK.tokens * hiddenSize).fill(seed * CHUNKS + index);
    return [
      `chunk-${index}`,
      encodeActivations({ ...CHUNK, hiddenSize, dtype: "float32", values }, CHUNK.sequences * index),
    ];
  };
  return Object.fromEntries(Array.from({ length: CHUNKS }, (_, index) => chunk(index)));
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return secondsSince(started);
}
