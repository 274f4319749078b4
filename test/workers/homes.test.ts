import assert from "node:assert/strict";
import { test } from "node:test";
import { Homes } from "../../workers/homes.js";

test("steps of one name go where the first went; what has no name has no place", () => {
  const homes = new Homes();
  assert.equal(homes.find("a"), undefined);
  homes.use("a", 1);
  homes.use(undefined, 0);
  assert.equal(homes.find("a"), 1);
  assert.equal(homes.find(undefined), undefined);
});

test("a place is as busy as the names that used it lately", () => {
  let now = 0;
  const homes = new Homes(() => now);
  homes.use("a", 1);
  homes.use("b", 1);
  homes.use("b", 1);
  homes.use("c", 0);
  assert.deepEqual([homes.lately(0), homes.lately(1)], [1, 2]);
  now += 10_000;
  homes.use("b", 1);
  assert.deepEqual([homes.lately(0), homes.lately(1)], [0, 1]);
  now += 3_600_000;
  homes.use("d", 0);
  assert.equal(homes.find("a"), undefined);
});
