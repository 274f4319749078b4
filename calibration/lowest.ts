import type { SourceDocument } from "./documents.js";

export interface HashedDocument extends SourceDocument {
  hash: string;
  /** UTF-8 bytes of the text. */
  bytes: number;
}

/** The documents of the lowest hashes out of any number, as many as fit in some memory. */
export interface Lowest {
  /** Whether a document of this hash would still be kept. */
  accepts(hash: string): boolean;
  add(document: HashedDocument): void;
  /** In rising order of hash, without copies of the same text: every document offered with a hash up to the last one's. */
  sorted(): readonly HashedDocument[];
  /** Whether documents were turned away for lack of room. */
  readonly overflowed: boolean;
}

/**
 * Keeps at least one document, and beyond the last one added at most twice `room` bytes of text: what is gathered is sorted and cut down to `room` whenever
 * it has doubled, and later documents must then lie below the cut.
 */
export function keepLowest(room: number): Lowest {
  let kept: HashedDocument[] = [];
  let bytes = 0;
  let limit: string | undefined;
  const settle = () => {
    kept = withoutCopies(kept.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0)));
    const fitting = countFitting(kept, room);
    if (fitting < kept.length) {
      kept = kept.slice(0, fitting);
      limit = kept[fitting - 1].hash;
    }
    bytes = kept.reduce((sum, document) => sum + document.bytes, 0);
  };
  return {
    accepts: (hash) => limit === undefined || hash < limit,
    add: (document) => {
      kept.push(document);
      bytes += document.bytes;
      if (bytes > 2 * room) settle();
    },
    sorted: () => {
      settle();
      return kept;
    },
    get overflowed() {
      return limit !== undefined;
    },
  };
}

function withoutCopies(sorted: readonly HashedDocument[]): HashedDocument[] {
  return sorted.filter((document, i) => i === 0 || document.hash !== sorted[i - 1].hash);
}

function countFitting(documents: readonly HashedDocument[], room: number): number {
  let bytes = 0;
  const first = documents.findIndex((document) => {
    bytes += document.bytes;
    return bytes > room;
  });
  return first === -1 ? documents.length : Math.max(1, first);
}
