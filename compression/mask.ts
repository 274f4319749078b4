import { TouchstoneError } from "../study/errors.js";
import type { CompressedLayer, LayerShape } from "./method.js";

/** `n:m`: `pruned` of every `of` columns in a row are pruned. */
export interface Pattern {
  pruned: number;
  of: number;
}

export function parsePattern(text: string): Pattern {
  const [pruned, of] = text.split(":").map(Number);
  return { pruned, of };
}

/** @throws TouchstoneError InvalidSettings where the layer's columns aren't whole runs of the pattern */
export function checkPattern({ name, columns }: LayerShape, pattern: string | undefined): void {
  if (pattern === undefined || columns % parsePattern(pattern).of === 0) return;
  throw new TouchstoneError("InvalidSettings", {
    what: `Pattern ${pattern} needs columns in whole runs of ${parsePattern(pattern).of}, but the layer has ${columns}`,
    where: name,
    todo: "Take a pattern that divides the layer's columns, or sparsity.",
  });
}

/** Marks the `pruned` least of `scores` with 1 in `marks`, the others with 0. Of equal scores the last is marked first. */
export function markLeast(scores: Float32Array, pruned: number, marks: Uint8Array): void {
  marks.fill(0);
  for (let n = 0; n < pruned; n++) {
    let least = -1;
    let at = -1;
    for (let i = 0; i < scores.length; i++) {
      if (marks[i] === 0 && (at === -1 || scores[i] <= least)) {
        least = scores[i];
        at = i;
      }
    }
    marks[at] = 1;
  }
}

/** The mask (1 = kept) of an n:m pattern over row-major scores [rows * columns]. */
export function patternMask(scores: Float32Array, { pruned, of }: Pattern): Uint8Array {
  const mask = new Uint8Array(scores.length).fill(1);
  const run = new Float32Array(of);
  const marks = new Uint8Array(of);
  for (let start = 0; start < scores.length; start += of) {
    for (let i = 0; i < of; i++) run[i] = scores[start + i];
    markLeast(run, pruned, marks);
    for (let i = 0; i < of; i++) mask[start + i] = 1 - marks[i];
  }
  return mask;
}

/** The k-th smallest (0-based) of values that are at least 0, by the order of their bits: 16 high ones, then 16 low ones. */
export function kthSmallest(values: Float32Array, k: number): number {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const high = bucketOf(bits, k, (word) => word >>> 16);
  const low = bucketOf(bits, k - high.before, (word) => (word >>> 16 === high.bucket ? word & 0xffff : -1));
  const word = Uint32Array.of(high.bucket * 0x10000 + low.bucket);
  return new Float32Array(word.buffer)[0];
}

function bucketOf(bits: Uint32Array, k: number, bucket: (word: number) => number) {
  const counts = new Uint32Array(0x10000);
  for (let i = 0; i < bits.length; i++) {
    const at = bucket(bits[i]);
    if (at >= 0) counts[at]++;
  }
  let before = 0;
  let at = 0;
  while (before + counts[at] <= k) before += counts[at++];
  return { bucket: at, before };
}

/** A layer of which only what the mask (1 = kept) keeps is left. */
export function pruned(weight: Float32Array, mask: Uint8Array): CompressedLayer {
  const kept = new Float32Array(weight.length);
  for (let i = 0; i < weight.length; i++) if (mask[i] === 1) kept[i] = weight[i];
  return { weight: kept, mask };
}
