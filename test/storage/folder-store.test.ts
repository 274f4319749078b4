import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { encodeArrow } from "../../storage/arrow.js";
import { arrowDifference, valuesDifference } from "../../storage/arrow-difference.js";
import { openCheckpoints } from "../../storage/checkpoints.js";
import { openFolderStore } from "../../storage/folder-store.js";
import { scratchFolder } from "../models/small-model.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (found: Uint8Array | undefined) => found && new TextDecoder().decode(found);

test("a folder is an object store: nothing that is there is written over, unless it is to be replaced", async () => {
  const store = openFolderStore(join(await scratchFolder(), "store"));
  assert.equal(await store.read("v1/a"), undefined);
  assert.equal(await store.writeNew("v1/a", bytes("one")), true);
  assert.equal(await store.writeNew("v1/a", bytes("two")), false);
  assert.equal(text(await store.read("v1/a")), "one");
  await store.replace("v1/a", bytes("three"), "text/plain");
  await store.writeNew("v1/b/c", bytes("four"));
  assert.deepEqual(await store.list("v1/"), ["v1/a", "v1/b/c"]);
  await store.move("v1/a", "v2/a");
  assert.deepEqual([text(await store.read("v2/a")), await store.renew("v1/a")], ["three", false]);
  await store.remove("v2/a");
  await store.remove("v2/a");
  assert.deepEqual(await store.list(""), ["v1/b/c"]);
});

test("what a folder lacks is read from what is below it, which is never written", async () => {
  const below = openFolderStore(join(await scratchFolder(), "below"));
  const above = openFolderStore(join(await scratchFolder(), "above"), below);
  const manifest = await openCheckpoints(below).commit("calibration", { a: 1 }, { set: bytes("set") }, {});
  const checkpoints = openCheckpoints(above);
  assert.deepEqual(await checkpoints.find("calibration", { a: 1 }), manifest);
  await checkpoints.commit("block", { b: 1 }, { x: bytes("x") }, {});
  assert.equal(await openCheckpoints(below).find("block", { b: 1 }), undefined);
});

test("two Arrow files part at the first row of the first column that differs", () => {
  const file = (ids: number[], values: number[], names: string[]) =>
    encodeArrow("test", {
      ids: { kind: "lists", size: 2, values: Int32Array.from(ids) },
      values: { kind: "numbers", values: Float64Array.from(values) },
      names: { kind: "texts", values: names },
    });
  const one = file([1, 2, 3, 4], [0.5, Number.NaN], ["a", "b"]);
  assert.equal(arrowDifference(one, file([1, 2, 3, 4], [0.5, Number.NaN], ["a", "b"]), ""), undefined);
  const ids = { column: "ids", row: 1, values: 1, largest: 3 };
  assert.deepEqual(arrowDifference(one, file([1, 2, 3, 7], [0, 0], ["a", "b"]), ""), ids);
  const values = { column: "values", row: 0, values: 1, largest: 0.25 };
  assert.deepEqual(arrowDifference(one, file([1, 2, 3, 4], [0.25, Number.NaN], ["x", "b"]), ""), values);
  const names = { column: "names", row: 1, values: 1, largest: null };
  assert.deepEqual(arrowDifference(one, file([1, 2, 3, 4], [0.5, Number.NaN], ["a", "c"]), ""), names);
  assert.deepEqual(valuesDifference([1, 2], [1, 2, 3]), { at: 2, values: 1, largest: null });
});
