import { cutWindow, type Drawing, type DrawingOptions, type DrawnSet, type TokenizedDocument } from "./drawing.js";
import type { CalibrationSequence } from "./set.js";

/**
 * Documents joined by the end-of-text token in the hashed order and cut into windows. A set starts with a document of its
 * own: what is left of the document in which the set before it ended is not used.
 */
export function packedDrawing(options: DrawingOptions): Drawing {
  const { length, largestSize, reuse } = options.settings;
  const sets: DrawnSet[] = [];
  const documents: TokenizedDocument[] = [];
  let windows: CalibrationSequence[] = [];
  let stream = emptyStream();
  let examined = 0;

  const append = (document: TokenizedDocument) => {
    stream = extended(stream, document, options);
    while (windows.length < largestSize) {
      const window = nextWindow(stream, options);
      if (window === undefined) return;
      windows.push(window.sequence);
      stream = window.rest;
    }
    sets.push({ sequences: windows, examined, longEnough: examined });
    windows = [];
    stream = emptyStream();
  };
  const complete = () => sets.length === options.sets;

  return {
    take: (document) => {
      if (complete() || document.tokens.length === 0) return;
      examined++;
      if (reuse) documents.push(document);
      append(document);
    },
    get complete() {
      return complete();
    },
    finish: () => {
      for (let i = 0; !complete() && documents.length > 0; i++) append(documents[i % documents.length]);
      if (complete()) return undefined;
      return {
        has: `${examined} that aren't empty, packed into ${sets.length * largestSize + windows.length} windows of ${length} tokens`,
        needed: `${options.sets * largestSize} are needed (${options.sets} x ${largestSize}, each set with documents of its own)`,
      };
    },
    set: (index) => sets[index],
  };
}

/** Tokens that no window holds yet, and the documents that they are of. */
interface Stream {
  tokens: Int32Array;
  /** Of each document in `tokens`: where its token 0 stands, which may be before the start. */
  documents: readonly { place: string; start: number }[];
}

function emptyStream(): Stream {
  return { tokens: new Int32Array(0), documents: [] };
}

function extended({ tokens, documents }: Stream, document: TokenizedDocument, { eosTokenId }: DrawingOptions): Stream {
  const ends = document.tokens.at(-1) === eosTokenId;
  const all = new Int32Array(tokens.length + document.tokens.length + (ends ? 0 : 1));
  all.set(tokens);
  all.set(document.tokens, tokens.length);
  if (!ends && eosTokenId !== null) all[all.length - 1] = eosTokenId;
  return { tokens: all, documents: [...documents, { place: document.place, start: tokens.length }] };
}

function nextWindow(stream: Stream, options: DrawingOptions) {
  const { length, bos } = options.settings;
  const startsWithBos = stream.tokens[0] === options.bosTokenId;
  const used = bos === "document" || startsWithBos ? length : length - 1;
  if (stream.tokens.length < used) return undefined;
  const touched = stream.documents.filter(({ start }) => start < used);
  const sequence: CalibrationSequence = {
    documents: touched.map(({ place }) => place),
    offset: 0 - touched[0].start,
    tokens: cutWindow(stream.tokens, 0, options),
  };
  const left = stream.documents.filter((_, i) => (stream.documents[i + 1]?.start ?? stream.tokens.length) > used);
  const rest: Stream = {
    tokens: stream.tokens.subarray(used),
    documents: left.map(({ place, start }) => ({ place, start: start - used })),
  };
  return { sequence, rest };
}
