import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { BLOCK_FORMATS } from "../../models/gguf-blocks.js";
import { iq1Grid, iq2sGrid, iq2xsGrid, iq2xxsGrid, iq3sGrid, iq3xxsGrid } from "../../models/gguf-grids.js";
import { readSafetensors } from "../../models/safetensors.js";
import { checkoutFolder } from "../../storage/home.js";

// Made by make-gguf-blocks.py: random blocks that name every point of the grids, and what the gguf package makes of them.

const file = join(checkoutFolder, "test", "models", "references", "gguf", "blocks.safetensors");
const { tensors } = await readSafetensors(file);
const bitsOf = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

test("every ggml type that gguf dequantizes is read", () => {
  const known = Array.from(BLOCK_FORMATS.values(), ({ name }) => name);
  const expected = Array.from(tensors.keys(), (key) => key.split(".")[0]);
  assert.deepEqual(known.toSorted(), Array.from(new Set(expected)).sort());
});

for (const { name, values, bytes, decode } of BLOCK_FORMATS.values()) {
  test(`${name}: blocks are dequantized as by gguf, bit for bit`, () => {
    const stored = tensors.get(`${name}.bytes`)!.data as Uint8Array;
    const expected = tensors.get(`${name}.values`)!.data as Float32Array;
    assert.equal(expected.length, (stored.length / bytes) * values);
    assert.deepEqual(bitsOf(decode(stored)), bitsOf(expected));
    // Blocks in the middle of a buffer, as of a file that was read whole.
    const shifted = new Uint8Array(stored.length + 3);
    shifted.set(stored, 3);
    assert.deepEqual(bitsOf(decode(shifted.subarray(3))), bitsOf(expected));
  });
}

test("grids have as many points as codes can name", () => {
  const points = [iq2xxsGrid, iq2xsGrid, iq2sGrid, iq1Grid].map((grid) => grid().length / 8);
  assert.deepEqual(points, [256, 512, 1024, 2048]);
  assert.deepEqual([iq3xxsGrid().length / 4, iq3sGrid().length / 4], [256, 512]);
});
