import type { Factors } from "./factorisation.js";
import type { Layer } from "./method.js";

/** Where results go, row-major [rows, columns] in the inputs' own order. */
export interface Places {
  /** What the weights become. */
  readonly weight: Float32Array;
  /** A byte a weight each, as the method means them; up to two. */
  readonly bytes: readonly Uint8Array[];
}

/** A layer's columns while they are visited, block by block in visited order. */
export interface BlockVisits {
  /** Visits the columns `start .. end - 1`: their errors reach all later ones. */
  visit(start: number, end: number): void;
  /** After the last block everything is in its place. @returns the sum of the errors' squares */
  finish(): number;
}

/** The weights of columns in visited order, those of dead inputs zeroed. */
export function takeVisited(
  into: Float32Array,
  { weight, rows, columns }: Layer,
  { order, dead, inOrder }: Factors,
  start: number,
  until: number,
): void {
  const width = until - start;
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    const to = row * width;
    if (inOrder) into.set(weight.subarray(from + start, from + until), to);
    else for (let j = 0; j < width; j++) into[to + j] = weight[from + order[start + j]];
  }
  for (let j = 0; j < width; j++) {
    if (dead[start + j] === 1) for (let at = j; at < into.length; at += width) into[at] = 0;
  }
}

/** Puts a block's columns, row-major [rows, end - start], where their inputs are in [rows, columns]. */
export function placeColumns(
  from: Float32Array | Uint8Array,
  into: Float32Array | Uint8Array,
  { rows, columns }: Layer,
  { order, inOrder }: Factors,
  start: number,
  end: number,
): void {
  const width = end - start;
  for (let row = 0; row < rows; row++) {
    const [at, to] = [row * width, row * columns];
    if (inOrder) into.set(from.subarray(at, at + width), to + start);
    else for (let j = 0; j < width; j++) into[to + order[start + j]] = from[at + j];
  }
}
