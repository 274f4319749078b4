import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { loadModel } from "../../models/load.js";
import { openPytorch, readPytorchTensor } from "../../models/pytorch.js";
import { readSafetensors } from "../../models/safetensors.js";
import type { FloatTensor, IntegerTensor } from "../../models/tensor-values.js";
import { readZipDirectory } from "../../models/zip-directory.js";
import { openFile } from "../../storage/files.js";
import { checkoutFolder } from "../../storage/home.js";
import { encodePytorch, encodeZip, type TorchTensor } from "./pytorch-file.js";
import { scratchFolder, writeSmallModel, writeTorchFolder } from "./small-model.js";

// Made by make-pytorch.py.
const references = join(checkoutFolder, "test", "models", "references", "pytorch");

async function readAll(path: string): Promise<Map<string, FloatTensor | IntegerTensor>> {
  const { file, tensors } = await openPytorch(path);
  try {
    const read = async ([name, entry]: [string, Parameters<typeof readPytorchTensor>[2]]) =>
      [name, await readPytorchTensor(file, name, entry)] as const;
    const readable = Array.from(tensors).filter(([, { dtype }]) => dtype !== "BOOL");
    return new Map(await Promise.all(readable.map(read)));
  } finally {
    await file.close();
  }
}

for (const file of ["tensors.bin", "protocol-4.bin"]) {
  test(`${file}: every type and kind of view is read as torch has it`, async () => {
    const { tensors: expected } = await readSafetensors(join(references, "tensors.safetensors"));
    const found = await readAll(join(references, file));
    assert.equal(found.size, 20);
    for (const [name, { dtype, shape, data }] of found) {
      const { dtype: otherDtype, shape: otherShape, data: otherData } = expected.get(name)!;
      assert.deepEqual(
        [dtype, shape, Array.from<unknown>(data)],
        [otherDtype, otherShape, Array.from<unknown>(otherData)],
        name,
      );
    }
  });
}

test("a state dict may have attributes, which a module gives it", async () => {
  const tensors = await readAll(join(references, "state.bin"));
  assert.deepEqual(
    Array.from(tensors, ([name, { shape }]) => [name, shape]),
    [
      ["weight", [1, 2]],
      ["bias", [1]],
    ],
  );
});

test("a folder of shards is the model of its tensors, of a digest that follows them alone", async () => {
  const { tensors } = await readSafetensors(join(references, "small.safetensors"));
  const [model, again] = [await loadModel(await writeTorchFolder()), await loadModel(await writeTorchFolder())];
  assert.equal(model.digest, again.digest);
  const weights = new Map([...(await model.embedding()), ...(await model.head())]);
  for (const index of [0, 1]) {
    for (const [name, weight] of await model.block(index)) weights.set(`model.layers.${index}.${name}`, weight);
  }
  assert.equal(weights.size, tensors.size);
  for (const [name, { shape, data, dtype }] of weights) {
    const expected = tensors.get(name)!;
    assert.deepEqual([shape, data, dtype], [expected.shape, expected.data, "F16"], name);
  }
  await Promise.all([model.close(), again.close()]);

  const changed = await writeTorchFolder();
  const shard = join(changed, "pytorch_model-00002-of-00002.bin");
  const bytes = await readFile(shard);
  // In the first storage, which begins at a multiple of 64.
  bytes[Math.ceil((bytes.indexOf("data/0") + 6) / 64) * 64] ^= 1;
  await writeFile(shard, bytes);
  const other = await loadModel(changed);
  assert.notEqual(other.digest, model.digest);
  await other.close();
});

test("where a folder has safetensors too, these are read", async () => {
  const folder = await writeSmallModel();
  const alone = await loadModel(folder);
  await writeFile(join(folder, "pytorch_model.bin"), "");
  const both = await loadModel(folder);
  assert.equal(both.digest, alone.digest);
  await Promise.all([alone.close(), both.close()]);
});

/** Any view that torch's own operations make of a storage: slices, steps and permuted axes. */
const views: fc.Arbitrary<TorchTensor> = fc
  .record({
    axes: fc.array(fc.record({ size: fc.integer({ min: 1, max: 4 }), step: fc.integer({ min: 1, max: 3 }) }), {
      maxLength: 4,
    }),
    order: fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
    start: fc.nat(5),
    more: fc.nat(5),
  })
  .map(({ axes, order, start, more }) => {
    const strides: number[] = [];
    let elements = 1;
    for (const { size, step } of axes) {
      strides.push(elements * step);
      elements *= size * step;
    }
    const permuted = axes.map((_, i) => i).sort((a, b) => order[a] - order[b]);
    return {
      name: "view",
      storage: Float32Array.from({ length: start + elements + more }, (_, i) => i),
      shape: permuted.map((axis) => axes[axis].size),
      strides: permuted.map((axis) => strides[axis]),
      start,
    };
  });

test("elements of any view are those that its strides lead to", async () => {
  const path = join(await scratchFolder(), "view.bin");
  await fc.assert(
    fc.asyncProperty(views, async (tensor) => {
      await writeFile(path, encodePytorch([tensor]));
      const { shape, data } = (await readAll(path)).get("view")!;
      const expected = [tensor.start];
      for (const [axis, size] of shape.entries()) {
        const before = expected.splice(0);
        for (const place of before) {
          for (let i = 0; i < size; i++) expected.push(place + i * tensor.strides[axis]);
        }
      }
      assert.deepEqual([shape, Array.from<unknown>(data)], [tensor.shape, expected]);
    }),
  );
});

test("a view beyond its storage, and one that repeats elements, are refused", async () => {
  const path = join(await scratchFolder(), "view.bin");
  const storage = new Float32Array(6);
  for (const [shape, strides, start] of [
    [[2, 3], [3, 1], 1],
    [[7], [1], 0],
    [[2, 2], [5, 1], 0],
    [[7], [0], 0],
    [[2 ** 30, 2 ** 30, 2 ** 30], [0, 0, 0], 0],
    [[1], [1], 2 ** 50],
  ] as const) {
    await writeFile(path, encodePytorch([{ name: "w", storage, shape, strides, start }]));
    await assert.rejects(openPytorch(path), { name: "InvalidModel", message: /beyond its storage.*tensor w/ });
  }
});

test("archives with lengths and places of 64 bits are read", async () => {
  const path = join(await scratchFolder(), "wide.zip");
  const entries = new Map([
    ["a/data.pkl", Uint8Array.of(1, 2, 3)],
    ["a/data/0", new Uint8Array(5)],
  ]);
  for (const wide of [false, true]) {
    await writeFile(path, encodeZip(entries, wide));
    const file = await openFile(path);
    assert.deepEqual(Array.from(await readZipDirectory(file)), [
      ["a/data.pkl", { header: 0, bytes: 3 }],
      ["a/data/0", { header: 43, bytes: 5 }],
    ]);
    await file.close();
  }
});

const tensor = { name: "w", storage: new Float32Array(6), shape: [6], strides: [1], start: 0 };
const patched = (from: string, to: string) =>
  Buffer.from(
    Buffer.from(encodePytorch([tensor]))
      .toString("latin1")
      .replaceAll(from, to),
    "latin1",
  );
const reference = (file: string) => () => readFile(join(references, file));

const refused: Record<string, { bytes: () => Promise<Uint8Array> | Uint8Array; message: RegExp }> = {
  "runs a command": { bytes: reference("command.bin"), message: /names "posix\.system".*safetensors/s },
  "is a whole module": { bytes: reference("module.bin"), message: /names "torch\.nn\.modules\.linear\.Linear"/ },
  "has complex numbers": { bytes: reference("complex.bin"), message: /names "torch\.ComplexFloatStorage"/ },
  "has a state dict inside another": {
    bytes: reference("nested.bin"),
    message: /something else than tensors under "epoch"/,
  },
  "has an expanded view": { bytes: reference("expanded.bin"), message: /beyond its storage/ },
  "is in torch's old format": { bytes: reference("legacy.bin"), message: /before 1\.6.*safetensors/s },
  "is a tar archive": {
    bytes: () => Buffer.concat([Buffer.alloc(257), Buffer.from("ustar"), Buffer.alloc(250)]),
    message: /before 1\.6/,
  },
  "is a compressed archive": {
    bytes: reference("compressed.bin"),
    message: /"tensors\/data\.pkl" in the archive is compressed/,
  },
  "is empty": { bytes: () => new Uint8Array(0), message: /0 bytes/ },
  "is something else": {
    bytes: () => Buffer.from("version https://git-lfs.github.com/spec/v1"),
    message: /no whole ZIP/,
  },
  "is another archive": { bytes: () => encodeZip(new Map([["a.txt", new Uint8Array(3)]])), message: /no data\.pkl/ },
  "lacks a storage": { bytes: () => patched("model/data/0", "model/data/1"), message: /lacks the storage "0"/ },
  "has a storage of another size": {
    bytes: () => patched("\x8a\x08\x06", "\x8a\x08\x05"),
    message: /The storage has 24 bytes/,
  },
};

for (const [what, { bytes, message }] of Object.entries(refused)) {
  test(`a pytorch_model.bin that ${what}: InvalidModel`, async () => {
    const folder = await writeTorchFolder();
    await rm(join(folder, "pytorch_model.bin.index.json"));
    await writeFile(join(folder, "pytorch_model.bin"), await bytes());
    await assert.rejects(loadModel(folder), { name: "InvalidModel", message });
  });
}

test("a file that is cut off anywhere is never read", async () => {
  const whole = await readFile(join(references, "tensors.bin"));
  const path = join(await scratchFolder(), "cut.bin");
  for (let length = 0; length < whole.length; length += 13) {
    await writeFile(path, whole.subarray(0, length));
    await assert.rejects(openPytorch(path), { name: "InvalidModel" }, `${length} bytes`);
  }
});
