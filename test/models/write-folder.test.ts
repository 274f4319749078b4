import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { readSafetensors } from "../../models/safetensors.js";
import { planShards, weightLayout } from "../../models/shards.js";
import { createModelFolder, type FolderDtype } from "../../models/write-folder.js";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "../../tensor/float16.js";
import {
  SMALL_CONFIG,
  SMALL_METADATA,
  scratchFolder,
  smallGgufTensors,
  smallWeights,
  writeSmallGguf,
  writeSmallModel,
} from "./small-model.js";

async function copy(model: Model, out: string, dtype: FolderDtype = "F32"): Promise<void> {
  const folder = await createModelFolder(model, out, { dtype });
  for (const index of [1, 0]) await folder.writeBlock(index, await model.block(index));
  await folder.finish();
}

const rounded: Record<FolderDtype, (values: Float32Array) => Float32Array> = {
  F32: (values) => values,
  F16: (values) => decodeFloat16(encodeFloat16(values)),
  BF16: (values) => decodeBfloat16(encodeBfloat16(values)),
};
const torchNames: Record<FolderDtype, string> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

for (const dtype of ["F32", "F16", "BF16"] as const) {
  test(`${dtype}: a written folder holds every weight once, under transformers' names`, async () => {
    const model = await loadModel(await writeSmallModel());
    const out = join(await scratchFolder(), "copy");
    await copy(model, out, dtype);
    await model.close();
    const { tensors, metadata } = await readSafetensors(join(out, "model.safetensors"));
    assert.equal(metadata.get("format"), "pt");
    const expected = smallWeights();
    assert.deepEqual(Array.from(tensors.keys()).sort(), Array.from(expected.keys()).sort());
    for (const [name, { shape, data }] of expected) {
      assert.deepEqual({ ...tensors.get(name) }, { shape, dtype, data: rounded[dtype](data) }, name);
    }
    const config = JSON.parse(await readFile(join(out, "config.json"), "utf8"));
    assert.deepEqual(config, { ...SMALL_CONFIG, dtype: torchNames[dtype], torch_dtype: torchNames[dtype] });
  });
}

test("whole numbers that the configuration spells as floats are spelled so in the copy", async () => {
  const path = await writeSmallModel();
  const spelled =
    '"rope_theta": 10000.0, "attention_dropout": 0e0, "rope_parameters": {"factor": 8.0}, "note": "\\"a\\": 1.0"';
  await writeFile(join(path, "config.json"), `{${spelled}, ${JSON.stringify(SMALL_CONFIG).slice(1)}`);
  const model = await loadModel(path);
  const out = join(await scratchFolder(), "copy");
  await copy(model, out);
  await model.close();
  const text = await readFile(join(out, "config.json"), "utf8");
  for (const line of [
    '"rope_theta": 10000.0',
    '"attention_dropout": 0.0',
    '"factor": 8.0',
    '"hidden_size": 8',
    '"rms_norm_eps": 0.00001',
  ])
    assert.match(text, new RegExp(`^ *${line},?$`, "m"));
});

test("a GGUF file's copy is a folder with the same weights, ids and tied embedding", async () => {
  const tokens = ["a", "b", "ab", "c", "abc", "Ġ", "<s>", "</s>", "x", "y", "z", "Ċ"];
  const path = await writeSmallGguf(
    smallGgufTensors().filter(({ name }) => name !== "output.weight"),
    {
      ...SMALL_METADATA,
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.pre": "smollm",
      "tokenizer.ggml.tokens": tokens,
      "tokenizer.ggml.token_type": tokens.map((token) => (token.endsWith("s>") ? 3 : 1)),
      "tokenizer.ggml.merges": ["a b", "ab c"],
      "tokenizer.ggml.bos_token_id": 6,
      "tokenizer.ggml.eos_token_id": 7,
      "tokenizer.ggml.add_bos_token": true,
    },
  );
  const gguf = await loadModel(path);
  const out = join(await scratchFolder(), "copy");
  await copy(gguf, out);
  const folder = await loadModel(out);
  for (const index of [0, 1]) assert.deepEqual(await folder.block(index), await gguf.block(index));
  for (const read of ["embedding", "head"] as const) assert.deepEqual(await folder[read](), await gguf[read]());
  const [copied, own] = [await folder.tokenizer(), await gguf.tokenizer()];
  assert.equal(copied.digest, own.digest);
  assert.deepEqual(copied.encode("abc ab</s>"), Int32Array.of(6, 4, 5, 2, 7));
  await Promise.all([gguf.close(), folder.close()]);
});

test("large models are cut into shards in the model's order, each weight in one of them", async () => {
  const model = await loadModel(await writeSmallModel());
  const single = planShards(weightLayout(model, "F32"));
  assert.deepEqual(
    single.map(({ file }) => file),
    ["model.safetensors"],
  );
  const limit = 600;
  const shards = planShards(weightLayout(model, "F32"), limit);
  assert.equal(shards[0].file, `model-00001-of-0000${shards.length}.safetensors`);
  assert.deepEqual(
    shards.flatMap(({ tensors }) => tensors),
    single[0].tensors,
  );
  assert.equal(
    shards.reduce((sum, { bytes }) => sum + bytes, 0),
    single[0].bytes,
  );
  assert.ok(shards.every(({ bytes, tensors }) => bytes <= limit || tensors.length === 1));
  await model.close();
});

test("until it is whole nothing is seen of it, and an earlier model stays in its place", async () => {
  const model = await loadModel(await writeSmallModel());
  const out = join(await scratchFolder(), "copy");
  const folder = await createModelFolder(model, out, { dtype: "F32" });
  await folder.writeBlock(0, await model.block(0));
  assert.equal(existsSync(out), false);
  await assert.rejects(folder.finish(), RangeError);
  assert.equal(existsSync(out), false);
  await folder.discard();
  assert.deepEqual(await readdir(join(out, "..")), []);

  await copy(model, out);
  const second = await createModelFolder(model, out, { dtype: "F16" });
  for (const index of [0, 1]) await second.writeBlock(index, await model.block(index));
  assert.equal(JSON.parse(await readFile(join(out, "config.json"), "utf8")).dtype, "float32");
  await second.finish();
  assert.equal(JSON.parse(await readFile(join(out, "config.json"), "utf8")).dtype, "float16");
  assert.deepEqual(await readdir(join(out, "..")), ["copy"]);
  await model.close();
});

test("an earlier model with its card and its packed layers is replaced", async () => {
  const model = await loadModel(await writeSmallModel());
  const out = join(await scratchFolder(), "copy");
  for (const content of ["first", "second"]) {
    const folder = await createModelFolder(model, out, { dtype: "F32" });
    for (const index of [0, 1]) await folder.writeBlock(index, await model.block(index));
    await folder.writeFile("README.md", content);
    await folder.writeFile(join("compressed", `${content}.arrow`), content);
    await folder.finish();
    assert.equal(await readFile(join(out, "README.md"), "utf8"), content);
    assert.deepEqual(await readdir(join(out, "compressed")), [`${content}.arrow`]);
  }
  await model.close();
});

test("values that float16 can't hold are refused by the weight's name", async () => {
  const weights = smallWeights();
  weights.get("model.layers.0.mlp.up_proj.weight")!.data[0] = 70000;
  const model = await loadModel(await writeSmallModel(weights));
  const folder = await createModelFolder(model, join(await scratchFolder(), "copy"), { dtype: "F16" });
  await assert.rejects(folder.writeBlock(0, await model.block(0)), {
    name: "NumericalError",
    message: /model\.layers\.0\.mlp\.up_proj\.weight/,
  });
  await folder.discard();
  await model.close();
});

test("a folder that holds anything but a model is left alone", async () => {
  const path = await writeSmallModel();
  const model = await loadModel(path);
  const scratch = await scratchFolder();
  const refused = (out: string, message: RegExp) =>
    assert.rejects(createModelFolder(model, out, { dtype: "F32" }), { name: "InvalidSettings", message });

  await writeFile(join(scratch, "notes.txt"), "mine");
  await refused(scratch, /notes\.txt/);
  await writeFile(join(scratch, "config.json"), "{}");
  await mkdir(join(scratch, "source"));
  await refused(scratch, /source/);
  await rm(join(scratch, "source"), { recursive: true });
  await mkdir(join(scratch, "compressed"));
  await writeFile(join(scratch, "compressed", "results.csv"), "mine");
  await refused(scratch, /compressed/);
  await refused(join(scratch, "notes.txt"), /no folder/);
  await refused(path, /model that is read/);
  await refused("s3://bucket/model", /local/);
  assert.equal(await readFile(join(scratch, "notes.txt"), "utf8"), "mine");
  await model.close();
});
