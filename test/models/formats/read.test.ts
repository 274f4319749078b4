import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { loadModel } from "../../../models/load.js";
import { readSafetensors } from "../../../models/safetensors.js";
import { createSafetensors, type WritableDtype } from "../../../models/safetensors-write.js";
import { loadBackend } from "../../../tensor/backend.js";
import { compressToFolder, exportFolder } from "../../compressed-folder.js";

before(loadBackend);

const DOWN = "model.layers.1.mlp.down_proj.";
type Tensors = Map<
  string,
  { dtype: string; shape: readonly number[]; data: Float32Array | Int32Array | BigInt64Array | Uint8Array }
>;

/** Changes an exported folder as another writer may have made it. */
async function rewrite(
  folder: string,
  change: (tensors: Tensors, config: Record<string, unknown>) => void,
): Promise<string> {
  const [file, configFile] = [join(folder, "model.safetensors"), join(folder, "config.json")];
  const { tensors } = await readSafetensors(file);
  const config = JSON.parse(await readFile(configFile, "utf8"));
  const changed = new Map(tensors) as Tensors;
  change(changed, config.quantization_config);
  await writeFile(configFile, JSON.stringify(config));
  const layout = Array.from(changed, ([name, { dtype, shape }]) => ({ name, dtype: dtype as WritableDtype, shape }));
  const writer = await createSafetensors(file, layout);
  for (const [name, { data }] of changed) await writer.write(name, data);
  await writer.close();
  return folder;
}

async function downOf(folder: string): Promise<Float32Array> {
  const model = await loadModel(folder);
  try {
    return (await model.block(1)).get("mlp.down_proj.weight")!.data;
  } finally {
    await model.close();
  }
}

const gptq = async (method: object = {}, ...more: string[]) =>
  exportFolder(await compressToFolder({ method: "rtn", groupSize: 32, ...method }), "gptq", ...more);
const packed = async (method: object = {}) =>
  exportFolder(await compressToFolder({ method: "rtn", groupSize: 32, ...method }), "compressed-tensors");

describe("GPTQ checkpoints of others", () => {
  test("without g_idx, with a bias of zeros, and configured in quantize_config.json alone", async () => {
    const folder = await gptq();
    const expected = await downOf(folder);
    await rewrite(folder, (tensors) => {
      tensors.delete(`${DOWN}g_idx`);
      tensors.set(`${DOWN}bias`, { dtype: "F16", shape: [64], data: new Float32Array(64) });
    });
    const { quantization_config: _, ...config } = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    assert.deepEqual(await downOf(folder), expected);
    await rm(join(folder, "quantize_config.json"));
    await assert.rejects(downOf(folder), { name: "InvalidModel", message: /missing.*proj\.weight/ });
  });

  for (const [made, label] of [
    ["gptq", "gptq_v2"],
    ["gptq_v2", "gptq"],
  ]) {
    test(`symmetric zero points of ${made} under the label ${label} are noticed`, async () => {
      const folder = await gptq({ symmetric: true }, "--checkpoint-format", made);
      await rewrite(folder, (_, config) => {
        config.checkpoint_format = label;
      });
      const message = new RegExp(`don't fit checkpoint_format ${label}.*qzeros.*to ${made}`);
      await assert.rejects(downOf(folder), { name: "InvalidModel", message });
    });
  }

  test("a v1 label over a zero point that v1 can't have is noticed", async () => {
    const folder = await rewrite(await gptq(), (tensors, config) => {
      config.checkpoint_format = "gptq";
      (tensors.get(`${DOWN}qzeros`)!.data as Int32Array).fill(-1);
    });
    await assert.rejects(downOf(folder), { name: "InvalidModel", message: /don't fit checkpoint_format gptq/ });
  });

  test("a bias that isn't zero", async () => {
    const folder = await rewrite(await gptq(), (tensors) => {
      tensors.set(`${DOWN}bias`, { dtype: "F16", shape: [64], data: new Float32Array(64).fill(1) });
    });
    await assert.rejects(downOf(folder), { name: "UnsupportedArchitecture", message: /down_proj\.bias/ });
  });

  test("tensors that don't fit one another", async () => {
    const wrongBits = await rewrite(await gptq(), (_, config) => {
      config.bits = 8;
    });
    await assert.rejects(downOf(wrongBits), { name: "InvalidModel", message: /qzeros.*bits and group size/ });
    const missing = await rewrite(await gptq(), (tensors) => tensors.delete(`${DOWN}scales`));
    await assert.rejects(downOf(missing), { name: "InvalidModel", message: /missing.*down_proj\.scales/ });
    const index = await rewrite(await gptq(), (tensors) => (tensors.get(`${DOWN}g_idx`)!.data as Int32Array).fill(3));
    await assert.rejects(downOf(index), { name: "InvalidModel", message: /beyond the 3.*g_idx/ });
  });

  test("settings of single linears", async () => {
    const folder = await rewrite(await gptq(), (_, config) => {
      config.dynamic = { "+:.*down.*": { bits: 8 } };
    });
    await assert.rejects(loadModel(folder), { name: "UnsupportedArchitecture", message: /dynamic/ });
  });
});

describe("compressed-tensors of others", () => {
  test("with an index of scattered groups, as older writers have it", async () => {
    const folder = await packed({ symmetric: true });
    const expected = await downOf(folder);
    // The same groups under other numbers.
    await rewrite(folder, (tensors) => {
      const index = Int32Array.from({ length: 96 }, (_, column) => 2 - Math.floor(column / 32));
      tensors.set(`${DOWN}weight_g_idx`, { dtype: "I32", shape: [96], data: index });
      const scale = tensors.get(`${DOWN}weight_scale`)!;
      const { data } = scale;
      tensors.set(`${DOWN}weight_scale`, {
        ...scale,
        data: Float32Array.from(data as Float32Array, (_, i) => Number(data[i - (i % 3) + 2 - (i % 3)])),
      });
    });
    assert.deepEqual(await downOf(folder), expected);
  });

  test("with codes of 3 bits padded to words, as releases before 0.17 packed them", async () => {
    const folder = await rewrite(await packed({ bits: 3 }), (tensors) => {
      const data = new Int32Array(64 * Math.ceil(96 / 10));
      tensors.set(`${DOWN}weight_packed`, { dtype: "I32", shape: [64, 10], data });
    });
    await assert.rejects(downOf(folder), { name: "InvalidModel", message: /\[64,10\].*\[64,9\].*0\.17/ });
  });

  const variants: [string, (config: Record<string, never>) => void, RegExp][] = [
    ["another format", (config) => Object.assign(config, { format: "marlin-24" }), /format.*pack-quantized/s],
    [
      "quantized activations",
      ({ config_groups: { group_0: g } }) => Object.assign(g, { input_activations: {} }),
      /input_activations/,
    ],
    [
      "sparse weights",
      (config) => Object.assign(config, { sparsity_config: { format: "sparse-24-bitmask" } }),
      /sparsity_config/,
    ],
    [
      "floats",
      ({ config_groups: { group_0: g } }) => Object.assign((g as { weights: object }).weights, { type: "float" }),
      /weights\.type/,
    ],
    ["another method", (config) => Object.assign(config, { quant_method: "awq" }), /"awq" is not read/],
  ];
  for (const [what, change, message] of variants) {
    test(`${what}: refused, with what is read`, async () => {
      const folder = await rewrite(await packed(), (_, config) => change(config as Record<string, never>));
      await assert.rejects(loadModel(folder), { name: "UnsupportedArchitecture", message });
    });
  }
});
