import { distinct, shingles } from "./shingles.js";

/** Tokens in a row that count as repeated: some twelve words of English. */
const WIDTH = 16;
/** Different documents that a run must stand in. */
const DOCUMENTS = 3;

/** Tokens from `start` up to `end`. */
export interface Span {
  start: number;
  end: number;
}

/**
 * The parts of each sequence that stand in three different documents or more: runs of 16 tokens, joined where they overlap.
 * @param sequences with a name of the document that each begins with: windows of one count once
 */
export function repeatedSpans(sequences: readonly { document: string; tokens: Int32Array }[]): Span[][] {
  const hashes = sequences.map(({ tokens }) => (tokens.length < WIDTH ? new Uint32Array(0) : shingles(tokens, WIDTH)));
  const repeated = inSeveralDocuments(
    sequences.map(({ document }) => document),
    hashes,
  );
  return hashes.map((own) => {
    const spans: Span[] = [];
    for (const [start, hash] of own.entries()) {
      if (!repeated.has(hash)) continue;
      const last = spans.at(-1);
      if (last !== undefined && start <= last.end) last.end = start + WIDTH;
      else spans.push({ start, end: start + WIDTH });
    }
    return spans;
  });
}

export function spanLength(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}

function inSeveralDocuments(documents: readonly string[], hashes: readonly Uint32Array[]): ReadonlySet<number> {
  const ofDocument = new Map<string, Uint32Array[]>();
  for (const [i, document] of documents.entries()) {
    const known = ofDocument.get(document);
    if (known === undefined) ofDocument.set(document, [hashes[i]]);
    else known.push(hashes[i]);
  }
  const each = Array.from(ofDocument.values(), (own) => distinct(joined(own)));
  const all = joined(each).sort();
  const repeated = new Set<number>();
  for (let i = DOCUMENTS - 1; i < all.length; i++) if (all[i] === all[i - DOCUMENTS + 1]) repeated.add(all[i]);
  return repeated;
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
