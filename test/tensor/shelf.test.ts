import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { loadBackend } from "../../tensor/backend.js";
import { createShelf, disposeShelved, shelveAll } from "../../tensor/shelf.js";
import { scratchFolder } from "../models/small-model.js";

const home = await scratchFolder();
process.env.TOUCHSTONE_HOME = home;
before(() => loadBackend());

const numbered = (first: number) =>
  tf.tensor3d(
    Float32Array.from({ length: 6 }, (_, i) => first + i),
    [1, 2, 3],
  );
const TENSOR_BYTES = 24;

/** Scratch files that this process has open. */
function openFiles(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(home) ? [path] : [];
    } catch {
      return []; // The one of the listing itself.
    }
  });
}

for (const memory of [0, 2 * TENSOR_BYTES, Number.POSITIVE_INFINITY]) {
  test(`what ${memory} bytes of memory don't hold comes back from the disk, bit for bit`, async () => {
    const counted = tf.memory().numTensors;
    const shelf = createShelf(memory);
    const shelved = await shelveAll([0, 10, 20, 30].map(numbered), shelf);
    assert.equal(tf.memory().numTensors - counted, Math.min(4, memory / TENSOR_BYTES));
    for (const [i, each] of shelved.entries()) {
      assert.deepEqual([each.shape, each.size], [[1, 2, 3], 6]);
      for (let times = 0; times < 2; times++) {
        const tensor = await each.tensor();
        const expected = numbered(10 * i);
        assert.deepEqual(tensor.dataSync(), expected.dataSync());
        tf.dispose([tensor, expected]);
      }
    }
    disposeShelved(shelved);
    assert.equal(tf.memory().numTensors, counted);
  });
}

test("values stay until the last hold is disposed, and then make room for others", async () => {
  const shelf = createShelf(TENSOR_BYTES);
  const first = await shelf.put(numbered(1));
  const second = first.share();
  first.dispose();
  first.dispose();
  const tensor = await second.tensor();
  assert.equal(tensor.dataSync()[0], 1);
  tensor.dispose();
  second.dispose();
  const counted = tf.memory().numTensors;
  const third = await shelf.put(numbered(2));
  assert.equal(tf.memory().numTensors, counted + 1);
  third.dispose();
});

test("places on the disk are used again, and an empty file is given back", async () => {
  const shelf = createShelf(0);
  const kept = await shelf.put(numbered(0));
  for (let i = 1; i < 50; i++) {
    const passing = await shelf.put(numbered(i));
    const tensor = await passing.tensor();
    assert.equal(tensor.dataSync()[0], i);
    tensor.dispose();
    passing.dispose();
  }
  assert.equal(openFiles().length, 1);
  kept.dispose();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(openFiles(), []);
  const again = await shelf.put(numbered(7));
  const tensor = await again.tensor();
  assert.equal(tensor.dataSync()[0], 7);
  tensor.dispose();
  again.dispose();
});

test("tensors without values rest in memory", async () => {
  const none = await createShelf(0).put(tf.zeros([1, 0, 3]));
  const tensor = await none.tensor();
  assert.deepEqual(tensor.shape, [1, 0, 3]);
  tensor.dispose();
  none.dispose();
});

test("where the disk can't be written nothing is left behind, and it is said", async () => {
  const counted = tf.memory().numTensors;
  process.env.TOUCHSTONE_HOME = "/dev/null/home";
  const shelf = createShelf(TENSOR_BYTES);
  await assert.rejects(shelveAll([0, 1, 2].map(numbered), shelf));
  process.env.TOUCHSTONE_HOME = home;
  const shelved = await shelveAll([0, 1].map(numbered), shelf);
  disposeShelved(shelved);
  assert.ok(tf.memory().numTensors <= counted + 1);
  await rm(home, { recursive: true, force: true });
});
