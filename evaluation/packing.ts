import type { TokenTree } from "../models/model.js";
import type { Sequence } from "./requests.js";

/** Several sequences as one row of tokens in which common beginnings stand once. */
export interface Pack {
  /** What the model reads. */
  tokens: Int32Array;
  tree: TokenTree;
  /** What is to be predicted, by ascending place. */
  predictions: readonly Prediction[];
}

export interface Prediction {
  /** Index in the pack's tokens: the token that comes next after this one. */
  place: number;
  token: number;
  /** Index of the sequence that it counts for. */
  sequence: number;
}

/**
 * Packs sequences in rows of at most `capacity` tokens (more only for a sequence that is longer alone). Sorting puts those with a
 * common beginning together: choices share their context, one-token continuations are predicted from one place, and a request
 * that comes twice costs nothing. The rows do not depend on the sequences' order. Sequences with nothing to predict are in none.
 */
export function packSequences(sequences: readonly Sequence[], capacity: number): Pack[] {
  const packs: Pack[] = [];
  let row = newRow();
  const makeRoom = (tokens: number) => {
    if (row.tokens.length === 0 || row.tokens.length + tokens <= capacity) return;
    packs.push(finish(row));
    row = newRow();
  };
  for (const group of relatives(sequences)) {
    const alone = newRow();
    for (const index of group) append(alone, sequences[index], index);
    // A group that fits in one row is not cut: its common beginning would be computed twice.
    makeRoom(alone.tokens.length <= capacity ? alone.tokens.length : 0);
    for (const index of group) {
      makeRoom(readLength(sequences[index]) - sharedLength(row, sequences[index]));
      append(row, sequences[index], index);
    }
  }
  if (row.predictions.length > 0) packs.push(finish(row));
  return packs;
}

/**
 * A row a sequence, for encoder-decoders: what stands before `from` is read by the encoder, and the decoder's places are those of
 * the tokens that they predict. A context is read anew for each of its continuations: its encoder sees no other row.
 */
export function packAlone(sequences: readonly Sequence[]): Pack[] {
  return sequences.flatMap((sequence, index) => {
    if (!hasPredictions(sequence)) return [];
    const { tokens, from } = sequence;
    const tree: TokenTree = {
      parents: Int32Array.from(tokens, (_, i) => i - 1),
      positions: Int32Array.from(tokens, (_, i) => i),
      encoderTokens: from,
    };
    const predictions = Array.from(tokens.subarray(from), (token, i) => ({ place: from + i, token, sequence: index }));
    return [{ tokens, tree, predictions }];
  });
}

/** The sequences in lexicographic order, cut where one shares less than half of its tokens with that before it. */
function relatives(sequences: readonly Sequence[]): number[][] {
  const order = sequences.map((_, index) => index).filter((index) => hasPredictions(sequences[index]));
  // What continues a sequence follows it directly, so the longest beginning in a row is always that of the sequence before.
  order.sort(
    (a, b) => compare(sequences[a].tokens, sequences[b].tokens) || sequences[a].from - sequences[b].from || a - b,
  );
  const groups: number[][] = [];
  let last = newRow();
  for (const index of order) {
    const isRelated = 2 * sharedLength(last, sequences[index]) >= readLength(sequences[index]);
    if (groups.length === 0 || !isRelated) groups.push([]);
    groups.at(-1)?.push(index);
    last = newRow();
    append(last, sequences[index], index);
  }
  return groups;
}

/** A row that is being filled. `path` holds the places of the last sequence's tokens, by position. */
interface Row {
  tokens: number[];
  parents: number[];
  positions: number[];
  path: number[];
  predictions: Prediction[];
}

function newRow(): Row {
  return { tokens: [], parents: [], positions: [], path: [], predictions: [] };
}

function hasPredictions({ tokens, from }: Sequence): boolean {
  return from < tokens.length;
}

/** The last token is predicted only, never read. */
function readLength({ tokens }: Sequence): number {
  return tokens.length - 1;
}

/** Tokens of `sequence` at its beginning that stand in the row. */
function sharedLength({ tokens, path }: Row, sequence: Sequence): number {
  const most = Math.min(path.length, readLength(sequence));
  let shared = 0;
  while (shared < most && tokens[path[shared]] === sequence.tokens[shared]) shared++;
  return shared;
}

function append(row: Row, sequence: Sequence, index: number): void {
  const shared = sharedLength(row, sequence);
  const length = readLength(sequence);
  row.path.length = shared;
  for (let position = shared; position < length; position++) {
    row.parents.push(position === 0 ? -1 : row.path[position - 1]);
    row.positions.push(position);
    row.path.push(row.tokens.length);
    row.tokens.push(sequence.tokens[position]);
  }
  for (let position = sequence.from; position <= length; position++) {
    row.predictions.push({ place: row.path[position - 1], token: sequence.tokens[position], sequence: index });
  }
}

function finish({ tokens, parents, positions, predictions }: Row): Pack {
  return {
    tokens: Int32Array.from(tokens),
    tree: { parents: Int32Array.from(parents), positions: Int32Array.from(positions) },
    predictions: predictions.sort((a, b) => a.place - b.place || a.sequence - b.sequence),
  };
}

/** Lexicographic; a beginning comes before what continues it. */
function compare(a: Int32Array, b: Int32Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
