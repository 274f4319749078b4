import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readSafetensors } from "../../models/safetensors.js";
import { createSafetensors, type WritableData, writeSafetensors } from "../../models/safetensors-write.js";
import { checkoutFolder } from "../../storage/home.js";
import { scratchFolder } from "./small-model.js";

const matrix = { shape: [2, 3], data: Float32Array.of(1, -2.5, 3, 0.1, 5, -65504) };

test("tensors of every type come back as they were written, with the metadata", async () => {
  const path = join(await scratchFolder(), "all.safetensors");
  const tensors = new Map<string, { shape: readonly number[]; data: WritableData }>([
    ["floats", matrix],
    ["indices", { shape: [3], data: Int32Array.of(-1, 0, 2 ** 31 - 1) }],
    ["ids", { shape: [2], data: BigInt64Array.of(-1n, 2n ** 40n) }],
    ["mask", { shape: [5], data: Uint8Array.of(0, 1, 1, 0, 255) }],
    ["empty", { shape: [0, 4], data: new Float32Array(0) }],
  ]);
  await writeSafetensors(path, tensors, { note: "grüße" });
  const read = await readSafetensors(path);
  assert.deepEqual(read.metadata, new Map([["note", "grüße"]]));
  assert.equal(read.tensors.size, tensors.size);
  for (const [name, { shape, data }] of tensors) {
    const found = read.tensors.get(name)!;
    assert.deepEqual([found.shape, found.data], [shape, data], name);
  }
});

for (const [dtype, expected] of [
  ["F16", [1, -2.5, 3, 0.0999755859375, 5, -65504]],
  ["BF16", [1, -2.5, 3, 0.10009765625, 5, -65536]],
] as const) {
  test(`${dtype}: values are rounded when they are written, and read as float32`, async () => {
    const path = join(await scratchFolder(), "half.safetensors");
    const writer = await createSafetensors(path, [{ name: "w", dtype, shape: matrix.shape }]);
    await writer.write("w", matrix.data);
    await writer.close();
    const { data, dtype: found } = (await readSafetensors(path)).tensors.get("w")!;
    assert.deepEqual([found, Array.from(data as Float32Array)], [dtype, expected]);
  });
}

test("values of every type are those of torch, all codes of the 8-bit types included", async () => {
  // Made by make-dtypes.py.
  const path = join(checkoutFolder, "test", "models", "references", "dtypes.safetensors");
  const { tensors } = await readSafetensors(path);
  const names = Array.from(tensors.keys()).filter((name) => !name.endsWith(".values"));
  assert.equal(names.length, 11);
  for (const name of names) {
    const { dtype, data } = tensors.get(name)!;
    const expected = tensors.get(`${name}.values`)!.data;
    assert.equal(dtype, name);
    // Lists, in which NaN is NaN whatever its bits; the integers are rounded as torch rounds them.
    assert.deepEqual(
      Array.from(data as ArrayLike<number | bigint>, (value) => Math.fround(Number(value))),
      Array.from(expected as Float32Array),
      name,
    );
  }
});

test("tensors may be written in any order, but only as they were laid out", async () => {
  const path = join(await scratchFolder(), "order.safetensors");
  const layout = ["a", "b"].map((name) => ({ name, dtype: "F32" as const, shape: [2] }));
  const writer = await createSafetensors(path, layout);
  await writer.write("b", Float32Array.of(3, 4));
  await writer.write("a", Float32Array.of(1, 2));
  await assert.rejects(writer.write("c", Float32Array.of(1, 2)), RangeError);
  await assert.rejects(writer.write("a", Float32Array.of(1)), RangeError);
  await writer.close();
  const { tensors } = await readSafetensors(path);
  assert.deepEqual(tensors.get("a")!.data, Float32Array.of(1, 2));
  assert.deepEqual(tensors.get("b")!.data, Float32Array.of(3, 4));
});

/** A file with the given header before 8 bytes of data. */
function withHeader(header: unknown): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const length = new Uint8Array(BigUint64Array.of(BigInt(json.length)).buffer);
  return Buffer.concat([length, json, new Uint8Array(8)]);
}

const entry = (begin: number, end: number, shape = [2], dtype = "F32") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const broken: Record<string, { bytes: Uint8Array; message: RegExp }> = {
  "is empty": { bytes: new Uint8Array(0), message: /0 bytes/ },
  "announces a header longer than itself": {
    bytes: new Uint8Array(BigUint64Array.of(5000n).buffer),
    message: /ends inside its header/,
  },
  "announces an impossible header": {
    bytes: new Uint8Array(BigUint64Array.of(2n ** 60n).buffer),
    message: /no safetensors/,
  },
  "has a header that is no JSON": { bytes: withHeader("{no json"), message: /not JSON/ },
  "has a header that is no object": { bytes: withHeader([1]), message: /not a JSON object/ },
  "has an entry without a shape": { bytes: withHeader({ w: { dtype: "F32" } }), message: /tensor w.*|needs dtype/ },
  "has offsets that don't fit the shape": { bytes: withHeader({ w: entry(0, 8, [3]) }), message: /don't fit F32/ },
  "has a tensor beyond its end": { bytes: withHeader({ w: entry(0, 16, [4]) }), message: /truncated/ },
  "has tensors on top of one another": {
    bytes: withHeader({ v: entry(0, 8), w: entry(4, 8, [1]) }),
    message: /overlaps/,
  },
  "has a gap between tensors": { bytes: withHeader({ w: entry(4, 8, [1]) }), message: /gap/ },
  "goes on after its last tensor": { bytes: withHeader({ w: entry(0, 4, [1]) }), message: /4 bytes follow/ },
  "has a type that can't be read": { bytes: withHeader({ w: entry(0, 8, [1], "C64") }), message: /C64/ },
};

for (const [what, { bytes, message }] of Object.entries(broken)) {
  test(`a file that ${what} is an invalid model`, async () => {
    const path = join(await scratchFolder(), "broken.safetensors");
    await writeFile(path, bytes);
    await assert.rejects(readSafetensors(path), { name: "InvalidModel", message });
  });
}

test("a file that is cut off anywhere is never read", async () => {
  const folder = await scratchFolder();
  const [whole, cut] = [join(folder, "whole.safetensors"), join(folder, "cut.safetensors")];
  await writeSafetensors(whole, new Map([["w", matrix]]));
  const bytes = await readFile(whole);
  for (let length = 0; length < bytes.length; length++) {
    await writeFile(cut, bytes.subarray(0, length));
    await assert.rejects(readSafetensors(cut), { name: "InvalidModel" }, `${length} bytes`);
  }
});
