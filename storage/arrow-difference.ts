import { type ArrowTable, decodeArrow } from "./arrow.js";

/** Where two Arrow files part. */
export interface ArrowDifference {
  column: string;
  /** The first that differs. */
  row: number;
  /** Values of the column that differ. */
  values: number;
  /** Largest difference of numbers; null for texts and flags. */
  largest: number | null;
}

/**
 * The first column in which two Arrow files have other values; undefined where all values are the same, and they differ in what is
 * said of them alone.
 * @throws TouchstoneError InvalidData where one isn't an Arrow file, or lacks a column of the other
 */
export function arrowDifference(one: Uint8Array, other: Uint8Array, where: string): ArrowDifference | undefined {
  const [first, second] = [one, other].map((bytes) => decodeArrow(bytes, where));
  for (const column of first.names) {
    const [a, b] = [first, second].map((table) => valuesOf(table, column));
    const found = valuesDifference(a, b);
    if (found === undefined) continue;
    const { at, ...rest } = found;
    return { column, row: rowOf(first, column, at, a.length), ...rest };
  }
  return undefined;
}

/** The first place `at` where two lists of values differ, NaN being the same as NaN. */
export function valuesDifference(
  one: ArrayLike<number | string>,
  other: ArrayLike<number | string>,
): { at: number; values: number; largest: number | null } | undefined {
  let [at, values, largest]: [number, number, number | null] = [-1, 0, null];
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const [a, b] = [one[i], other[i]];
    if (Object.is(a, b)) continue;
    if (values++ === 0) at = i;
    if (typeof a === "number" && typeof b === "number") largest = Math.max(largest ?? 0, Math.abs(a - b));
  }
  return values === 0 ? undefined : { at, values, largest };
}

function valuesOf(table: ArrowTable, column: string): ArrayLike<number | string> {
  return table.hasNumbers(column) ? table.numbers(column) : table.texts(column);
}

function rowOf(table: ArrowTable, column: string, at: number, length: number): number {
  if (table.isRagged(column)) return table.offsets(column).findLastIndex((offset) => offset <= at);
  return Math.floor((at * table.rows) / Math.max(1, length));
}
