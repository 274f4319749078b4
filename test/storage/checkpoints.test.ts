import assert from "node:assert/strict";
import { test } from "node:test";
import { openCheckpoints } from "../../storage/checkpoints.js";
import { TouchstoneError } from "../../study/errors.js";
import { memoryStore } from "./memory-store.js";

const DERIVATION = { step: "block", block: 3 };
const BYTES = Uint8Array.of(1, 2, 3, 4);
const FACTS = { error: 0.5, layers: ["q", "k"] };

async function committed() {
  const { store, objects } = memoryStore();
  const checkpoints = openCheckpoints(store);
  const manifest = await checkpoints.commit("block", DERIVATION, { weight: BYTES }, FACTS);
  const keyOf = (part: string) => {
    const found = Array.from(objects.keys()).filter((key) => key.startsWith(part));
    assert.equal(found.length, 1, part);
    return found[0];
  };
  return { objects, checkpoints, manifest, keyOf };
}

/** It is named, says where, can be tried again, and what was altered is kept apart. */
function isCorrupt(error: unknown): boolean {
  assert.ok(error instanceof TouchstoneError);
  assert.deepEqual([error.type, error.retryable], ["CheckpointCorrupt", true]);
  assert.match(error.message, /stored object.*checksum.*block [0-9a-f]{64}.*quarantine\/.*computed again/);
  return true;
}

test("what was committed is found by what determined it, with the same bytes and facts", async () => {
  const { checkpoints, manifest } = await committed();
  const found = await checkpoints.find("block", { block: 3, step: "block" });
  assert.deepEqual(found, manifest);
  assert.deepEqual(found?.facts, FACTS);
  assert.deepEqual(await checkpoints.object(manifest, "weight"), BYTES);
  assert.equal(await checkpoints.find("block", { ...DERIVATION, block: 4 }), undefined);
  assert.equal(await checkpoints.find("evaluation", DERIVATION), undefined);
});

test("of two attempts the first counts, for both", async () => {
  const { checkpoints } = await committed();
  const second = await checkpoints.commit("block", DERIVATION, { weight: Uint8Array.of(9) }, { error: 1, layers: [] });
  assert.deepEqual(second.facts, FACTS);
  assert.deepEqual(await checkpoints.object(second, "weight"), BYTES);
});

test("the manifest is written after all objects", async () => {
  const { store } = memoryStore();
  const order: string[] = [];
  const slow: typeof store = {
    ...store,
    writeNew: async (key, bytes) => {
      await new Promise((resolve) => setTimeout(resolve, key.includes("content") ? 20 : 0));
      order.push(key.split("/")[1]);
      return store.writeNew(key, bytes);
    },
  };
  await openCheckpoints(slow).commit("block", DERIVATION, { a: BYTES, b: Uint8Array.of(5) }, {});
  assert.deepEqual(order, ["content", "content", "block"]);
});

const alterations: readonly [title: string, alter: (bytes: Uint8Array) => Uint8Array | undefined][] = [
  ["a flipped bit", (bytes) => bytes.map((byte, i) => (i === 2 ? byte ^ 1 : byte))],
  ["a byte too few", (bytes) => bytes.subarray(0, -1)],
  ["a byte too many", (bytes) => Uint8Array.of(...bytes, 0)],
  ["no bytes at all", () => new Uint8Array(0)],
  ["no object any more", () => undefined],
];

for (const [title, alter] of alterations) {
  test(`an object with ${title} is told by its checksum; the next attempt computes the step again`, async () => {
    const { objects, checkpoints, manifest, keyOf } = await committed();
    const altered = alter(BYTES);
    if (altered === undefined) objects.delete(keyOf("v1/content/"));
    else objects.set(keyOf("v1/content/"), altered);
    await assert.rejects(checkpoints.object(manifest, "weight"), isCorrupt);
    assert.equal(await checkpoints.find("block", DERIVATION), undefined);
    const kept = Array.from(objects).filter(([key]) => key.startsWith("quarantine/"));
    assert.equal(kept.length, altered === undefined ? 1 : 2);
    if (altered !== undefined) assert.ok(kept.some(([, bytes]) => Buffer.from(altered).equals(bytes)));

    const again = await checkpoints.commit("block", DERIVATION, { weight: BYTES }, FACTS);
    assert.deepEqual(await checkpoints.object(again, "weight"), BYTES);
  });
}

test("a manifest altered anywhere is told by its checksum, and computed again", async () => {
  const { objects, keyOf } = await committed();
  const whole = objects.get(keyOf("v1/block/"))!;
  for (let at = 0; at < whole.length; at += 5) {
    const { objects: copies, checkpoints, keyOf: copyOf } = await committed();
    copies.set(
      copyOf("v1/block/"),
      whole.map((byte, i) => (i === at ? byte ^ 1 : byte)),
    );
    await assert.rejects(checkpoints.find("block", DERIVATION), isCorrupt, `byte ${at}`);
    assert.equal(await checkpoints.find("block", DERIVATION), undefined);
  }
});

test("facts are covered by the checksum: a figure can't be changed unseen", async () => {
  const { objects, checkpoints, keyOf } = await committed();
  const key = keyOf("v1/block/");
  const text = new TextDecoder().decode(objects.get(key));
  objects.set(key, new TextEncoder().encode(text.replace('"error":0.5', '"error":0.4')));
  await assert.rejects(checkpoints.find("block", DERIVATION), isCorrupt);
});

test("what is removed is gone, objects and all; removing it again changes nothing", async () => {
  const { objects, checkpoints } = await committed();
  await checkpoints.remove("block", DERIVATION);
  await checkpoints.remove("block", DERIVATION);
  assert.equal(objects.size, 0);
});
