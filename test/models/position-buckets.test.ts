import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bucketOf, bucketRows } from "../../models/architectures/position-buckets.js";

/** Distances at and around the boundaries of T5's 32 classes up to 128, and what transformers 5.24 makes of them. */
const DISTANCES = [
  ...[-129, -128, -127, -91, -90, -64, -63, -46, -45, -33, -32, -31, -17, -16, -15, -9, -8, -7, -1, 0],
  ...[1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 45, 46, 63, 64, 90, 91, 127, 128, 129],
];
const BOTH_WAYS = [
  ...[15, 15, 15, 15, 14, 14, 13, 13, 12, 12, 12, 11, 10, 10, 9, 8, 8, 7, 1, 0],
  ...[17, 23, 24, 24, 25, 26, 26, 27, 28, 28, 28, 29, 29, 30, 30, 31, 31, 31, 31],
];
const BEFORE = [
  ...[31, 31, 31, 29, 29, 26, 26, 24, 23, 21, 21, 21, 16, 16, 15, 9, 8, 7, 1, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
];

test("distances are classed as transformers classes them, at the boundaries too", () => {
  const classes = (bidirectional: boolean) =>
    DISTANCES.map((distance) => bucketOf(distance, { count: 32, maxDistance: 128, bidirectional }));
  assert.deepEqual(classes(true), BOTH_WAYS);
  assert.deepEqual(classes(false), BEFORE);
});

test("rows of queries have the class of each key's distance", () => {
  const size = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(fc.nat(20), size, fc.integer({ min: 1, max: 40 }), fc.boolean(), (start, rows, keys, bidirectional) => {
      const buckets = { count: 8, maxDistance: 12, bidirectional };
      const found = bucketRows(start, rows, keys, buckets);
      const expected = Array.from({ length: rows * keys }, (_, i) =>
        bucketOf((i % keys) - (start + Math.floor(i / keys)), buckets),
      );
      assert.deepEqual(Array.from(found), expected);
    }),
  );
});
