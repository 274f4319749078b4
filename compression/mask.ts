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

/**
 * The mask (1 = kept) of an n:m pattern over row-major scores [rows * columns], all at least 0: of each run, the `pruned` least
 * are pruned; of equal ones the last first.
 */
export function patternMask(scores: Float32Array, { pruned, of }: Pattern): Uint8Array {
  const mask = new Uint8Array(scores.length);
  // In the order of their bits, whose differences do not overflow. Their signs are added up: nothing foretells such branches.
  const words = new Int32Array(scores.buffer, scores.byteOffset, scores.length);
  for (let start = 0; start < words.length; start += of) {
    for (let i = start; i < start + of; i++) {
      let before = 0;
      for (let j = start; j < i; j++) before += (words[j] - words[i]) >>> 31;
      for (let j = i + 1; j < start + of; j++) before += 1 - ((words[i] - words[j]) >>> 31);
      mask[i] = 1 - ((before - pruned) >>> 31);
    }
  }
  return mask;
}

/** Bits of a word, from the highest, that a pass of `kthSmallest` looks at: few enough for its counts to stay in the cache. */
const PASSES = [11, 11, 10];

/** The k-th smallest (0-based) of values that are at least 0: they are in the order of their bits. */
export function kthSmallest(values: Float32Array, k: number): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let rank = k;
  let known = 0;
  let found = 0;
  for (const width of PASSES) {
    const shift = 32 - known - width;
    const knownBits = known === 0 ? 0 : -1 << (32 - known);
    const counts = new Uint32Array(1 << width);
    for (let i = 0; i < words.length; i++) {
      if (((words[i] ^ found) & knownBits) === 0) counts[(words[i] >>> shift) & ((1 << width) - 1)]++;
    }
    let digit = 0;
    while (counts[digit] <= rank) rank -= counts[digit++];
    found |= digit << shift;
    known += width;
  }
  return new Float32Array(Uint32Array.of(found).buffer)[0];
}

/** A layer of which only what the mask (1 = kept) keeps is left. */
export function pruned(weight: Float32Array, mask: Uint8Array): CompressedLayer {
  const kept = new Float32Array(weight.length);
  for (let i = 0; i < weight.length; i++) if (mask[i] === 1) kept[i] = weight[i];
  return { weight: kept, mask };
}
