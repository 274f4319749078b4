import { packCodes, unpackCodes } from "../models/formats/packing.js";
import type { ArrowTable, Column } from "../storage/arrow.js";
import type { Pattern } from "./mask.js";

/** Kept weights of a row lie together, in the order of their columns; where they belong is said by a bitmap or by positions. */

/** A bitmap of the weights marked 1, and their values: of each row as many as there are. */
export function bitmapColumns(
  weight: Float32Array,
  marks: Uint8Array,
  rows: number,
  columns: number,
): Record<string, Column> {
  const { offsets, values } = markedValues(weight, marks, rows, columns);
  return { mask: packedColumn(marks, rows, columns, 1), values: { kind: "ragged", offsets, values } };
}

/** The inverse of `bitmapColumns`: the values in their places, 0 elsewhere. */
export function readBitmap(table: ArrowTable, columns: number): { weight: Float32Array; mask: Uint8Array } {
  const mask = unpackCodes(table.numbers("mask") as Uint8Array, table.rows, columns, 1);
  return { weight: spread(mask, table.numbers("values") as Float32Array), mask };
}

/**
 * The pattern where each of its runs keeps exactly m - n weights, and their positions in log2(m) bits take no more room than a
 * bitmap's bit a weight (2:4 does, 4:8 doesn't).
 */
export function storedPattern(mask: Uint8Array, columns: number, pattern: Pattern): boolean {
  const { pruned, of } = pattern;
  if (columns % of !== 0 || (of - pruned) * positionBits(of) > of) return false;
  for (let start = 0; start < mask.length; start += of) {
    let kept = 0;
    for (let i = start; i < start + of; i++) kept += mask[i];
    if (kept !== of - pruned) return false;
  }
  return true;
}

/** The weights that an n:m pattern keeps, with their positions in their runs, packed. */
export function patternColumns(
  weight: Float32Array,
  mask: Uint8Array,
  rows: number,
  columns: number,
  { pruned, of }: Pattern,
): Record<string, Column> {
  const { values } = markedValues(weight, mask, rows, columns);
  const kept = (columns / of) * (of - pruned);
  const positions = new Uint8Array(rows * kept);
  for (let i = 0, next = 0; i < mask.length; i++) if (mask[i] === 1) positions[next++] = i % of;
  return {
    positions: packedColumn(positions, rows, kept, positionBits(of)),
    values: { kind: "lists", size: kept, values },
  };
}

/** The inverse of `patternColumns`. */
export function readPattern(
  table: ArrowTable,
  columns: number,
  { pruned, of }: Pattern,
): { weight: Float32Array; mask: Uint8Array } {
  const [inRun, kept] = [of - pruned, (columns / of) * (of - pruned)];
  const positions = unpackCodes(table.numbers("positions") as Uint8Array, table.rows, kept, positionBits(of));
  const values = table.numbers("values") as Float32Array;
  const weight = new Float32Array(table.rows * columns);
  const mask = new Uint8Array(weight.length);
  for (let i = 0; i < positions.length; i++) {
    const at = Math.floor(i / inRun) * of + positions[i];
    weight[at] = values[i];
    mask[at] = 1;
  }
  return { weight, mask };
}

/** Codes of a row packed in whole bytes. */
export function packedColumn(codes: Uint8Array, rows: number, columns: number, bits: number): Column {
  const values = packCodes(codes, rows, columns, bits);
  return { kind: "lists", size: values.length / rows, values };
}

/** The values marked 1, row after row; those of row r are `values[offsets[r] .. offsets[r + 1]]`. */
export function markedValues(weight: Float32Array, marks: Uint8Array, rows: number, columns: number) {
  const offsets = new Int32Array(rows + 1);
  const values = new Float32Array(count(marks));
  let next = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = row * columns; i < (row + 1) * columns; i++) if (marks[i] === 1) values[next++] = weight[i];
    offsets[row + 1] = next;
  }
  return { offsets, values };
}

/** Values back in their places, 0 elsewhere. */
export function spread(marks: Uint8Array, values: Float32Array): Float32Array {
  const weight = new Float32Array(marks.length);
  let next = 0;
  for (let i = 0; i < marks.length; i++) if (marks[i] === 1) weight[i] = values[next++];
  return weight;
}

function positionBits(of: number): number {
  return Math.ceil(Math.log2(of));
}

function count(marks: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < marks.length; i++) total += marks[i];
  return total;
}
