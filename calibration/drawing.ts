import type { CalibrationSequence, SamplingSettings } from "./set.js";

/** A document with its tokens, in the hashed order. */
export interface TokenizedDocument {
  place: string;
  hash: string;
  /** With the tokenizer's own special tokens. */
  tokens: Int32Array;
}

/** What is known of one set. */
export interface DrawnSet {
  sequences: readonly CalibrationSequence[];
  /** Documents taken up to its last one, and those of them that were long enough. */
  examined: number;
  longEnough: number;
}

/** How a source would fall short, for the message: what it has, in words, and what it would need. */
export interface Shortage {
  has: string;
  needed: string;
}

/** Turns documents, given one by one in the hashed order, into the sequences of the sets 0 .. sets - 1. */
export interface Drawing {
  take(document: TokenizedDocument): void;
  /** Whether all sequences are there; further documents change nothing. */
  readonly complete: boolean;
  /** To be called when there are no more documents: the shortage, where the sequences can't be made up (by `reuse`). */
  finish(): Shortage | undefined;
  set(index: number): DrawnSet;
}

export interface DrawingOptions {
  settings: SamplingSettings;
  sets: number;
  bosTokenId: number | null;
  eosTokenId: number | null;
}

/** `length` tokens from `start` on; with `bos: window` BOS and one token less, unless they begin with it. */
export function cutWindow(tokens: Int32Array, start: number, { settings, bosTokenId }: DrawingOptions): Int32Array {
  const { length, bos } = settings;
  if (bos === "document" || bosTokenId === null || tokens[start] === bosTokenId)
    return tokens.slice(start, start + length);
  const window = new Int32Array(length);
  window[0] = bosTokenId;
  window.set(tokens.subarray(start, start + length - 1), 1);
  return window;
}
