import assert from "node:assert/strict";
import { test } from "node:test";
import { byCertainty } from "../../statistics/least-certain.js";

test("the least certain records come first, of equal ones the earlier; what is no number is not certain", () => {
  assert.deepEqual(byCertainty([Float64Array.of(3, 1, Number.NaN, 1, 0)]), [2, 4, 1, 3, 0]);
});

test("of several models each has the same say, however certain it is of all", () => {
  const modest = Float64Array.of(0.3, 0.1, 0.2, 0.4);
  const loud = Float64Array.of(100, 300, 200, 400);
  assert.deepEqual(byCertainty([modest, loud]), [0, 1, 2, 3]);
  assert.deepEqual(byCertainty([modest, modest, loud]), [1, 2, 0, 3]);
});
