import assert from "node:assert/strict";
import { join } from "node:path";
import { checkoutFolder } from "../../storage/home.js";

/** What make-references.py wrote: a folder a family. */
export const madeReferences = join(checkoutFolder, "test", "models", "references", "families");

/** Token ids [sequences, tokens]. */
export function rowsOf({ shape, data }: { shape: readonly number[]; data: ArrayLike<number | bigint> }): Int32Array[] {
  const [rows, columns] = shape;
  const ids = Int32Array.from(Array.from(data, Number));
  return Array.from({ length: rows }, (_, i) => ids.subarray(i * columns, (i + 1) * columns));
}

export function largestDifference(actual: Float32Array, expected: Float32Array): number {
  assert.equal(actual.length, expected.length);
  return actual.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i])), 0);
}
