import assert from "node:assert/strict";
import { readdirSync, readlinkSync } from "node:fs";
import { rm } from "node:fs/promises";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { loadBackend } from "../../tensor/backend.js";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "../../tensor/float16.js";
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
      assert.deepEqual([each.shape, each.bytes], [[1, 2, 3], TENSOR_BYTES]);
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

for (const [dtype, round] of [
  ["float16", (values: Float32Array) => decodeFloat16(encodeFloat16(values))],
  ["bfloat16", (values: Float32Array) => decodeBfloat16(encodeBfloat16(values))],
] as const) {
  test(`${dtype} takes half of the place, and is rounded alike in memory and on the disk`, async () => {
    const counted = tf.memory().numTensors;
    const values = Float32Array.of(1 / 3, -2.5, 1e-3, 4097, 0, -0);
    for (const memory of [TENSOR_BYTES / 2, 0]) {
      const shelf = createShelf(memory).as(dtype);
      const each = await shelf.put(tf.tensor3d(values, [1, 2, 3]));
      assert.deepEqual([each.dtype, each.bytes], [dtype, TENSOR_BYTES / 2]);
      const tensor = await each.tensor();
      assert.deepEqual(tensor.dataSync(), round(values));
      // What was rounded once stays as it is.
      const again = await shelf.put(tensor);
      assert.deepEqual(await again.values(), await each.values());
      disposeShelved([each, again]);
    }
    assert.equal(tf.memory().numTensors, counted);
  });
}

test("what float16 can't hold is refused, and leaves nothing behind", async () => {
  const counted = tf.memory().numTensors;
  const shelf = createShelf().as("float16");
  await assert.rejects(shelf.put(tf.tensor3d([1, 70_000, 0], [1, 1, 3])), {
    name: "NumericalError",
    message: /7\.000e\+4 is more than float16 can hold.*bfloat16/,
  });
  // Already infinite: that isn't the type's doing.
  const infinite = await shelf.put(tf.tensor3d([Number.POSITIVE_INFINITY], [1, 1, 1]));
  infinite.dispose();
  assert.equal(tf.memory().numTensors, counted);
});

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
