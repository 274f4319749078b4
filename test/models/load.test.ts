import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { type WritableData, writeSafetensors } from "../../models/safetensors-write.js";
import type { ErrorType } from "../../study/errors.js";
import { loadBackend } from "../../tensor/backend.js";
import { familyConfigs } from "./family-configs.js";
import { SMALL_CONFIG, type SmallWeights, scratchFolder, smallWeights, writeSmallModel } from "./small-model.js";

const Q = "model.layers.1.self_attn.q_proj.weight";

before(loadBackend);

test("a folder of shards has the weights of the same model in one file", async () => {
  const whole = await loadModel(await writeSmallModel());
  const shards = await loadModel(await writeShards());
  for (const read of ["embedding", "head"] as const) assert.deepEqual(await shards[read](), await whole[read]());
  for (const index of [0, 1]) assert.deepEqual(await shards.block(index), await whole.block(index));
  await Promise.all([whole.close(), shards.close()]);
});

test("a checkpoint that was saved without the head has the weights of the whole model", async () => {
  const { bloom } = familyConfigs;
  const weights = smallWeights(bloom);
  const bare = new Map(Array.from(weights, ([name, weight]) => [name.replace(/^transformer\./, ""), weight]));
  const [whole, without] = [await writeSmallModel(weights, bloom), await writeSmallModel(bare, bloom)];
  const models = await Promise.all([whole, without].map(loadModel));
  for (const read of ["embedding", "head"] as const) assert.deepEqual(await models[1][read](), await models[0][read]());
  assert.deepEqual(await models[1].block(1), await models[0].block(1));
  await Promise.all(models.map((model) => model.close()));
});

test("the digest follows the weights, not the path", async () => {
  const digestOf = async (folder: string) => {
    const model = await loadModel(folder);
    await model.close();
    return model.digest;
  };
  const digest = await digestOf(await writeSmallModel());
  const weights = smallWeights();
  weights.get(Q)!.data[3] += 1;
  assert.match(digest, /^[0-9a-f]{64}$/);
  assert.equal(await digestOf(await writeSmallModel()), digest);
  assert.notEqual(await digestOf(await writeSmallModel(weights)), digest);
  assert.notEqual(await digestOf(await writeSmallModel(smallWeights(), { ...SMALL_CONFIG, rope_theta: 5e5 })), digest);
});

test("a model that was saved without its head has names without their beginning", async () => {
  const config = { ...SMALL_CONFIG, tie_word_embeddings: true };
  const weights = smallWeights(config);
  const bare = new Map(Array.from(weights, ([name, weight]) => [name.replace(/^model\./, ""), weight]));
  const [whole, base] = [
    await loadModel(await writeSmallModel(weights, config)),
    await loadModel(await writeSmallModel(bare, config)),
  ];
  for (const read of ["embedding", "head"] as const) assert.deepEqual(await base[read](), await whole[read]());
  assert.deepEqual(await base.block(1), await whole.block(1));
  await Promise.all([whole.close(), base.close()]);
});

test("weights of 8 bits are read as their values, but not where scales stand beside them", async () => {
  const codes = Uint8Array.from({ length: 64 }, (_, i) => i * 3);
  const write = async (...scales: string[]) => {
    const folder = await writeSmallModel();
    const path = join(folder, "model.safetensors");
    const tensors = new Map<string, { shape: readonly number[]; data: WritableData }>(smallWeights());
    tensors.set(Q, { shape: [8, 8], data: codes });
    for (const name of scales) tensors.set(name, { shape: [1], data: Float32Array.of(2) });
    await writeSafetensors(path, tensors);
    await writeFile(path, Buffer.from((await readFile(path, "latin1")).replace('"U8"', '"I8"'), "latin1"));
    return folder;
  };
  const model = await loadModel(await write());
  const { data, dtype } = (await model.block(1)).get("self_attn.q_proj.weight")!;
  assert.deepEqual([data, dtype], [Float32Array.from(new Int8Array(codes.buffer)), "I8"]);
  await model.close();
  for (const scale of ["weight_scale", "weight_scale_inv", "SCB"]) {
    const message = new RegExp(`I8 with \\S+${scale} beside it.*q_proj`);
    await assert.rejects(loadModel(await write(Q.replace("weight", scale))), { name: "InvalidModel", message });
  }
});

test("weights that are NaN or infinite are named when their block is read, and leave no tensors behind", async () => {
  for (const value of [Number.NaN, Number.NEGATIVE_INFINITY]) {
    const weights = smallWeights();
    weights.get(Q)!.data[30] = value;
    const model = await loadModel(await writeSmallModel(weights));
    assert.equal((await model.block(0)).size, 9);
    const held = tf.memory().numTensors;
    await assert.rejects(forwardTokens(model, [Int32Array.of(1, 2, 3)]), {
      name: "NumericalError",
      message: /model\.layers\.1\.self_attn\.q_proj\.weight/,
    });
    assert.equal(tf.memory().numTensors, held);
    await model.close();
  }
});

test("token ids beyond the vocabulary and sequences of differing lengths are refused", async () => {
  const model = await loadModel(await writeSmallModel());
  const run = (...sequences: number[][]) =>
    forwardTokens(
      model,
      sequences.map((ids) => Int32Array.from(ids)),
    );
  await assert.rejects(run([1, 12]), { name: "TokenizerMismatch", message: /Token id 12.*vocabulary of 12/ });
  await assert.rejects(run([1, -1]), { name: "TokenizerMismatch" });
  await assert.rejects(run([1, 2], [1]), { name: "InvalidData" });
  await assert.rejects(run(), { name: "InvalidData" });
  await model.close();
});

/** The weights in two files with an index; `change` may break it. */
async function writeShards(change = (map: Record<string, string>) => map): Promise<string> {
  const folder = await writeSmallModel();
  await rm(join(folder, "model.safetensors"));
  const all = Array.from(smallWeights());
  const files = { "model-1.safetensors": all.slice(0, 9), "model-2.safetensors": all.slice(9) };
  const map: Record<string, string> = {};
  for (const [file, entries] of Object.entries(files)) {
    await writeSafetensors(join(folder, file), new Map(entries));
    for (const [name] of entries) map[name] = file;
  }
  await writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: change(map) }));
  return folder;
}

function changedWeights(change: (weights: SmallWeights) => void): SmallWeights {
  const weights = smallWeights();
  change(weights);
  return weights;
}

const withConfig = (change: object) => writeSmallModel(smallWeights(), { ...SMALL_CONFIG, ...change });
async function withFile(name: string, content: string): Promise<string> {
  const folder = await writeSmallModel();
  await writeFile(join(folder, name), content);
  return folder;
}

const broken: Record<string, { folder: () => Promise<string>; error: ErrorType; message: RegExp }> = {
  "isn't there": { folder: async () => "/no/such/model", error: "UnknownModel", message: /no such model/ },
  "isn't there (GGUF)": { folder: async () => "/no/such.gguf", error: "UnknownModel", message: /no such model/ },
  "is empty": { folder: scratchFolder, error: "InvalidModel", message: /no config\.json/ },
  "has a configuration that is no JSON": {
    folder: () => withFile("config.json", '{"model_type": "lla'),
    error: "InvalidModel",
    message: /config\.json/,
  },
  "has a configuration that is no object": {
    folder: () => withFile("config.json", "[]"),
    error: "InvalidModel",
    message: /not a JSON object/,
  },
  "has an empty weights file": {
    folder: () => withFile("model.safetensors", ""),
    error: "InvalidModel",
    message: /model\.safetensors/,
  },
  "has no weights file": {
    folder: async () => {
      const folder = await writeSmallModel();
      await rm(join(folder, "model.safetensors"));
      return folder;
    },
    error: "InvalidModel",
    message: /neither model\.safetensors nor/,
  },
  "lacks a weight": {
    folder: () => writeSmallModel(changedWeights((weights) => weights.delete(Q))),
    error: "InvalidModel",
    message: /missing.*model\.layers\.1\.self_attn\.q_proj\.weight/,
  },
  "has a weight of another shape": {
    folder: () =>
      writeSmallModel(changedWeights((weights) => weights.set(Q, { shape: [4, 16], data: weights.get(Q)!.data }))),
    error: "ShapeMismatch",
    message: /\[4,16\].*\[8,8\].*q_proj|q_proj.*\[4,16\].*\[8,8\]/,
  },
  "has an index that names a missing file": {
    folder: () => writeShards((map) => ({ ...map, [Q]: "model-3.safetensors" })),
    error: "InvalidModel",
    message: /model-3\.safetensors/,
  },
  "has an index that names the wrong file": {
    folder: () => writeShards((map) => ({ ...map, [Q]: "model-1.safetensors" })),
    error: "InvalidModel",
    message: /model-1\.safetensors, which doesn't have it.*q_proj/,
  },
  "has an index that leads out of the folder": {
    folder: () => writeShards((map) => ({ ...map, [Q]: "../other.safetensors" })),
    error: "InvalidModel",
    message: /weight_map/,
  },
  "is of an unknown architecture": {
    folder: () => withConfig({ model_type: "mamba" }),
    error: "UnsupportedArchitecture",
    message: /mamba.*llama/s,
  },
  "has no architecture": {
    folder: () => withConfig({ model_type: undefined }),
    error: "UnsupportedArchitecture",
    message: /Supported are: .*llama/,
  },
  "lacks a setting": {
    folder: () => withConfig({ hidden_size: undefined }),
    error: "InvalidModel",
    message: /hidden_size/,
  },
  "has heads that don't divide": {
    folder: () => withConfig({ num_attention_heads: 4, num_key_value_heads: 3 }),
    error: "InvalidModel",
    message: /heads/,
  },
  "has another activation": {
    folder: () => withConfig({ hidden_act: "gelu" }),
    error: "UnsupportedArchitecture",
    message: /gelu/,
  },
  "lacks the biases that its configuration promises": {
    folder: () => withConfig({ attention_bias: true }),
    error: "InvalidModel",
    message: /q_proj\.bias/,
  },
  "is quantized in a way that isn't read": {
    folder: () => withConfig({ quantization_config: { quant_method: "awq", bits: 4 } }),
    error: "UnsupportedArchitecture",
    message: /"awq" is not read.*GPTQ/,
  },
  "is quantized by its configuration only": {
    folder: () => withConfig({ quantization_config: { quant_method: "gptq", bits: 4, group_size: 128 } }),
    error: "InvalidModel",
    message: /no tensor is named qweight/,
  },
  "scales its rotary embedding in another way": {
    folder: () => withConfig({ rope_scaling: { type: "dynamic", factor: 2 } }),
    error: "UnsupportedArchitecture",
    message: /dynamic/,
  },
};

for (const [what, { folder, error, message }] of Object.entries(broken)) {
  test(`a model that ${what}: ${error}`, async () => {
    await assert.rejects(loadModel(await folder()), { name: error, message });
  });
}
