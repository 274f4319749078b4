import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { gridValues } from "../../../models/formats/grid-linear.js";
import { loadModel } from "../../../models/load.js";
import { readSafetensors } from "../../../models/safetensors.js";
import { loadBackend } from "../../../tensor/backend.js";
import { decodeFloat16, encodeFloat16 } from "../../../tensor/float16.js";
import {
  compressToFolder,
  EXPORT_CONFIG,
  exportFolder,
  readPackedLayers,
  writeDenseModel,
} from "../../compressed-folder.js";
import { scratchFolder, writeSmallModel } from "../../models/small-model.js";

before(loadBackend);

const rounded = (values: Float32Array) => decodeFloat16(encodeFloat16(values));

/** Linears of a folder by their full names, as `loadModel` reads them. */
async function linearsOf(folder: string): Promise<ReadonlyMap<string, Float32Array>> {
  const model = await loadModel(folder);
  const linears = new Map<string, Float32Array>();
  for (let index = 0; index < model.config.blocks; index++) {
    for (const [name, { shape, data }] of await model.block(index))
      if (shape.length === 2) linears.set(model.architecture.blockWeightName(model.config, index, name), data);
  }
  await model.close();
  return linears;
}

async function configOf(folder: string, file = "config.json") {
  return JSON.parse(await readFile(join(folder, file), "utf8"));
}

describe("dense", () => {
  for (const method of [
    { method: "spqr", bits: 3, outlierThreshold: 0.1, blockSize: 32 },
    { method: "wanda", pattern: "2:4" },
    { method: "sparsegpt", sparsity: 0.5, blockSize: 32 },
    { method: "gptq", bits: 5, groupSize: 32, blockSize: 32 },
  ]) {
    test(`${JSON.stringify(method)}: the solver's weights bit for bit, from the packed layers`, async () => {
      // The dense weights beside them are rounded, so these can't be what is exported.
      const folder = await compressToFolder(method, undefined, ["--dtype", "BF16"]);
      const exported = await exportFolder(folder, "dense");
      const [dense, packed] = [await linearsOf(exported), await readPackedLayers(folder)];
      assert.equal(dense.size, 2 * 7);
      for (const [name, { compressed }] of packed) assert.deepEqual(dense.get(name), compressed.weight, name);
      assert.deepEqual(await readPackedLayers(exported), packed);
      assert.equal((await configOf(exported)).dtype, "float32");
    });
  }

  test("a folder that `compress` wrote has the packed layers' weights", async () => {
    const folder = await compressToFolder({ method: "magnitude", pattern: "2:4" });
    const [dense, packed] = [await linearsOf(folder), await readPackedLayers(folder)];
    for (const [name, { compressed }] of packed) assert.deepEqual(dense.get(name), compressed.weight, name);
  });
});

const grids: object[] = [
  ...[3, 4, 8].flatMap((bits) => [
    { method: "gptq", bits, groupSize: 32, blockSize: 32 },
    { method: "gptq", bits, groupSize: 32, blockSize: 32, symmetric: true },
  ]),
  { method: "gptq", bits: 4, groupSize: 32, blockSize: 32, actOrder: true },
  { method: "gptq", bits: 3, groupSize: 16, blockSize: 32, actOrder: true, staticGroups: true },
  { method: "gptq", bits: 4, groupSize: -1, actOrder: true, symmetric: true },
  { method: "rtn", bits: 2, groupSize: 32 },
  { method: "rtn", bits: 4, groupSize: -1, mse: true },
];
const isScattered = (settings: { actOrder?: boolean; staticGroups?: boolean; groupSize?: number }) =>
  settings.actOrder === true && settings.staticGroups !== true && settings.groupSize !== -1;

for (const format of ["gptq", "compressed-tensors"]) {
  describe(format, () => {
    for (const method of grids.filter((settings) => format === "gptq" || !isScattered(settings))) {
      test(`${JSON.stringify(method)}: what is read is what was written, its scales in float16`, async () => {
        const folder = await compressToFolder(method);
        const read = await linearsOf(await exportFolder(folder, format));
        for (const [name, { compressed }] of await readPackedLayers(folder)) {
          const { quantized } = compressed;
          assert.ok(quantized !== undefined);
          assert.deepEqual(read.get(name), gridValues({ ...quantized, scales: rounded(quantized.scales) }), name);
        }
      });
    }
  });
}

test("compressed-tensors in float32 loses nothing, and has any number of bits", async () => {
  const folder = await compressToFolder({ method: "rtn", bits: 5, groupSize: 32 });
  const read = await linearsOf(await exportFolder(folder, "compressed-tensors", "--dtype", "F32"));
  for (const [name, { compressed }] of await readPackedLayers(folder))
    assert.deepEqual(read.get(name), compressed.weight);
});

describe("GPTQ's files", () => {
  const wordsOf = async (folder: string) => {
    const { tensors } = await readSafetensors(join(folder, "model.safetensors"));
    return tensors.get("model.layers.0.mlp.down_proj.qzeros")?.data as Int32Array;
  };

  test("hold symmetric zero points less one in v1, and as they are in v2", async () => {
    const folder = await compressToFolder({ method: "rtn", groupSize: 32, symmetric: true });
    const [v1, v2] = [
      await exportFolder(folder, "gptq"),
      await exportFolder(folder, "gptq", "--checkpoint-format", "gptq_v2"),
    ];
    assert.ok((await wordsOf(v1)).every((word) => word === 0x77777777));
    assert.ok((await wordsOf(v2)).every((word) => word >>> 0 === 0x88888888));
    assert.deepEqual(await linearsOf(v1), await linearsOf(v2));
  });

  test("have the shapes and the configuration that readers expect", async () => {
    const method = { method: "gptq", bits: 3, groupSize: 32, blockSize: 32, actOrder: true };
    const out = await exportFolder(await compressToFolder(method), "gptq");
    const { tensors } = await readSafetensors(join(out, "model.safetensors"));
    const shapeOf = (part: string) => {
      const { dtype, shape } = tensors.get(`model.layers.1.mlp.down_proj.${part}`)!;
      return [dtype, ...shape];
    };
    // K = 96 inputs, N = 64 outputs, 3 groups.
    assert.deepEqual(shapeOf("qweight"), ["I32", (96 * 3) / 32, 64]);
    assert.deepEqual(shapeOf("qzeros"), ["I32", 3, (64 * 3) / 32]);
    assert.deepEqual(shapeOf("scales"), ["F16", 3, 64]);
    assert.deepEqual(shapeOf("g_idx"), ["I32", 96]);
    assert.ok(!tensors.has("model.layers.1.mlp.down_proj.weight"));
    assert.equal(tensors.get("model.embed_tokens.weight")?.dtype, "F16");
    const { quantization_config: quantization, dtype } = await configOf(out);
    assert.equal(dtype, "float16");
    assert.deepEqual(quantization, await configOf(out, "quantize_config.json"));
    const { meta, ...keys } = quantization;
    assert.deepEqual(keys, {
      ...{ bits: 3, group_size: 32, desc_act: true, sym: false, lm_head: false, dynamic: {}, pack_dtype: "int32" },
      ...{ quant_method: "gptq", method: "gptq", checkpoint_format: "gptq_v2", format: "gptq_v2" },
    });
    assert.deepEqual(meta, {
      ...{ quantizer: ["touchstone"], damp_percent: 0.01, static_groups: false },
      ...{ true_sequential: true, mse: false },
    });
  });

  test("v1 is refused where a zero point is 0: no value of a row's group is negative", async () => {
    const { tensors } = await readSafetensors(join(await writeDenseModel(), "model.safetensors"));
    const weights = new Map(
      Array.from(tensors, ([name, { shape, data }]) => [name, { shape, data: data as Float32Array }]),
    );
    weights.get("model.layers.1.mlp.up_proj.weight")?.data.fill(15 / 32, 0, 64);
    const folder = await compressToFolder(
      { method: "rtn", groupSize: 32 },
      await writeSmallModel(weights, EXPORT_CONFIG),
    );
    await assert.rejects(exportFolder(folder, "gptq", "--checkpoint-format", "gptq"), {
      name: "InvalidSettings",
      message: /zero point is 0.*layers\.1\.mlp\.up_proj.*gptq_v2/,
    });
    assert.equal(
      (await linearsOf(await exportFolder(folder, "gptq"))).get("model.layers.1.mlp.up_proj.weight")?.[0],
      15 / 32,
    );
  });
});

test("compressed-tensors' files have the shapes and the configuration that readers expect", async () => {
  const method = { method: "gptq", bits: 3, groupSize: 32, blockSize: 32, actOrder: true, staticGroups: true };
  const out = await exportFolder(await compressToFolder(method), "compressed-tensors", "--dtype", "BF16");
  const { tensors } = await readSafetensors(join(out, "model.safetensors"));
  const prefix = "model.layers.1.mlp.down_proj.";
  const found = Array.from(tensors).filter(([name]) => name.startsWith(prefix));
  assert.deepEqual(
    Object.fromEntries(found.map(([name, { dtype, shape }]) => [name.slice(prefix.length), [dtype, ...shape]])),
    {
      weight_packed: ["I32", 64, (96 * 3) / 32],
      weight_scale: ["BF16", 64, 3],
      weight_shape: ["I64", 2],
      weight_zero_point: ["I32", (64 * 3) / 32, 3],
    },
  );
  assert.deepEqual(tensors.get(`${prefix}weight_shape`)?.data, BigInt64Array.of(64n, 96n));
  const { quantization_config: quantization } = await configOf(out);
  assert.equal(quantization.quant_method, "compressed-tensors");
  assert.equal(quantization.format, "pack-quantized");
  const { weights, targets } = quantization.config_groups.group_0;
  assert.deepEqual(targets, ["Linear"]);
  assert.deepEqual(weights, {
    ...{ num_bits: 3, type: "int", symmetric: false, strategy: "group", group_size: 32 },
    ...{ dynamic: false, actorder: "weight", observer: "minmax" },
  });
});

test("the card and the set tell what a model was made of", async () => {
  const folder = await compressToFolder({ method: "gptq", groupSize: 32, blockSize: 32 });
  const out = await exportFolder(folder, "gptq");
  const [card, madeOf] = [await readFile(join(out, "README.md"), "utf8"), await configOf(out, "touchstone.json")];
  assert.deepEqual(madeOf, await configOf(folder, "touchstone.json"));
  assert.equal(madeOf.settings.method, "gptq");
  assert.deepEqual(madeOf.calibration, { ...madeOf.calibration, sequences: 4, length: 24, drawn: null });
  for (const fact of [madeOf.model.digest, madeOf.calibration.digest, "4 sequences of 24 tokens", "groupSize 32"])
    assert.ok(card.includes(fact), fact);
  assert.match(card, /vLLM reads GPTQ checkpoints of symmetric grids/);
  // Token ids of unknown origin.
  assert.ok(!existsSync(join(out, "set.arrow")));
  const free = await compressToFolder({ method: "magnitude" });
  assert.equal((await configOf(free, "touchstone.json")).calibration, null);
  assert.match(await readFile(join(free, "README.md"), "utf8"), /looks at no data/);
});

describe("what can't be exported is refused before anything is written", () => {
  const refused: [string, object, string[], RegExp][] = [
    ["SpQR", { method: "spqr", blockSize: 32 }, ["gptq"], /SpQR's two-level grids.*Export dense/],
    ["SpQR in the other format", { method: "spqr", blockSize: 32 }, ["compressed-tensors"], /SpQR.*Export dense/],
    ["pruned weights", { method: "wanda" }, ["gptq"], /wanda prunes.*Export dense/],
    ["pruned weights in the other format", { method: "magnitude" }, ["compressed-tensors"], /prunes.*Export dense/],
    ["groups that don't divide", { method: "rtn", groupSize: 48 }, ["gptq"], /64 inputs aren't a multiple of 48/],
    ["groups that don't divide, again", { method: "rtn", groupSize: 48 }, ["compressed-tensors"], /multiple of 48/],
    ["5 bits", { method: "rtn", bits: 5, groupSize: 32 }, ["gptq"], /2, 3, 4, 8 bits, not of 5/],
    ["another type", { method: "rtn", groupSize: 32 }, ["gptq", "--dtype", "F32"], /float16, not F32/],
    [
      "scattered groups",
      { method: "gptq", groupSize: 32, blockSize: 32, actOrder: true },
      ["compressed-tensors"],
      /aren't neighbours.*staticGroups/,
    ],
    [
      "a checkpoint format of another format",
      { method: "rtn", groupSize: 32 },
      ["dense", "--checkpoint-format", "gptq"],
      /is for gptq/,
    ],
  ];
  for (const [what, method, [format, ...more], message] of refused) {
    test(what, async () => {
      const folder = await compressToFolder(method);
      await assert.rejects(exportFolder(folder, format, ...more), { name: "InvalidSettings", message });
    });
  }

  test("sides that aren't in whole 32", async () => {
    const model = await writeDenseModel({ ...EXPORT_CONFIG, intermediate_size: 80 });
    const folder = await compressToFolder({ method: "rtn", groupSize: 16 }, model);
    await assert.rejects(exportFolder(folder, "gptq"), {
      name: "InvalidSettings",
      message: /multiples of 32.*80 x 64/,
    });
    assert.equal((await linearsOf(await exportFolder(folder, "compressed-tensors"))).size, 14);
  });

  test("a folder without packed layers", async () => {
    const message = /no packed layers.*touchstone compress/;
    await assert.rejects(exportFolder(await writeDenseModel(), "dense"), { name: "InvalidModel", message });
    const folder = await compressToFolder({ method: "rtn", groupSize: 32 });
    await rm(join(folder, "compressed", "model.layers.1.mlp.up_proj.weight.arrow"));
    await assert.rejects(exportFolder(folder, "gptq"), {
      name: "InvalidModel",
      message: /up_proj.*touchstone compress/,
    });
  });
});

test("a failed export leaves nothing, and an earlier one in its place", async () => {
  const folder = await compressToFolder({ method: "rtn", groupSize: 32 });
  const out = await exportFolder(folder, "dense");
  const again = join(await scratchFolder(), "again");
  await cp(folder, again, { recursive: true });
  await writeFile(join(again, "compressed", "model.layers.1.mlp.up_proj.weight.arrow"), "cut");
  await assert.rejects(exportFolder(again, "dense", "--out", out), { name: "InvalidData" });
  assert.deepEqual(await readdir(join(out, "..")), ["dense"]);
  assert.equal((await linearsOf(out)).size, 14);
});
