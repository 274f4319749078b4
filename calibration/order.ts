import { createHash } from "node:crypto";

/**
 * The keyed hash by which documents are ordered: of seed, source and the text itself, so that the order does not depend on
 * which file a document lies in, and copies of a text are one document.
 */
export function orderHash(seed: number, source: string, text: string): string {
  return createHash("sha256").update(`order\n${seed}\n${source}\n`).update(text).digest("hex");
}

/** A whole number in 0 .. last (inclusive), uniform over documents; `round` counts how often the document is used again. */
export function windowStart(hash: string, round: number, last: number): number {
  const digest = createHash("sha256").update(`window\n${round}\n${hash}`).digest();
  return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * (last + 1));
}
