import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { compressBlock } from "../../compression/compress-block.js";
import { replaced } from "../../compression/compress-model.js";
import { blockLinears } from "../../compression/linears.js";
import { scoreSequences } from "../../evaluation/score.js";
import { embedChunks, forwardTokens, runBlock, toTensors } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { architectureOf } from "../../models/registry.js";
import type { ErrorType } from "../../study/errors.js";
import { methodSettingsSchema } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { compressToFolder, exportFolder, readPackedLayers, TOKENS, writeDenseModel } from "../compressed-folder.js";
import { familyConfigs } from "./family-configs.js";
import { smallWeights, writeSmallModel } from "./small-model.js";

before(loadBackend);

for (const [family, config] of Object.entries(familyConfigs)) {
  describe(family, () => {
    test("every linear of a block is in one stage, and each has the shape of its weight", async () => {
      const model = await loadModel(await writeDenseModel(config));
      const shapes = model.architecture.blockShapes(model.config);
      const matrices = Array.from(shapes).filter(([, shape]) => shape.length === 2);
      const staged = model.architecture.stages(model.config, 0, 1).flatMap(({ linears }) => linears);
      assert.deepEqual(staged.toSorted(), matrices.map(([name]) => name).toSorted());
      assert.equal(blockLinears(model, 0).flat().length, staged.length);
      await model.close();
    });

    test("a sequence scores the same bits alone and among others that share its beginning", async () => {
      const model = await loadModel(await writeDenseModel(config));
      const sequences = TOKENS.flatMap((row) =>
        [4, 11, 18].map((kept) => ({ tokens: Int32Array.of(...row.slice(0, kept), 3, 1, kept), from: kept })),
      );
      const together = await scoreSequences(model, sequences);
      for (const [i, sequence] of sequences.entries()) {
        assert.deepEqual(await scoreSequences(model, [sequence]), [together[i]]);
      }
      await model.close();
    });

    test("what a token gives depends on those before it only, and on their order", async () => {
      const model = await loadModel(await writeDenseModel(config));
      const [row] = TOKENS;
      const logitsOf = async (ids: readonly number[]) =>
        (await forwardTokens(model, [Int32Array.from(ids)])).logits.data;
      const whole = await logitsOf(row.slice(0, 6));
      const changedEnd = await logitsOf([...row.slice(0, 5), 39 - row[5]]);
      const swapped = await logitsOf([row[0], row[2], row[1], ...row.slice(3, 6)]);
      assert.deepEqual(changedEnd.subarray(0, 5 * 40), whole.subarray(0, 5 * 40));
      assert.notDeepEqual(swapped.subarray(3 * 40), whole.subarray(3 * 40));
      await model.close();
    });

    test("each block is compressed on what it gives itself, whatever sets it apart from others", async () => {
      const model = await loadModel(await writeDenseModel(config));
      const settings = methodSettingsSchema.parse({ method: "wanda", pattern: "2:4", trueSequential: true });
      const inputs = await embedChunks(
        model,
        TOKENS.map((row) => [Int32Array.from(row)]),
      );
      for (const index of [0, 1]) {
        const weights = await model.block(index);
        const solved = await compressBlock(model, index, weights, inputs, settings);
        const compressed = toTensors(replaced(weights, solved.layers));
        const expected = inputs.map((chunk) => runBlock(model, index, compressed, chunk).dataSync());
        assert.deepEqual(
          solved.outputs.map((chunk) => chunk.dataSync()),
          expected,
        );
      }
      await model.close();
    });

    for (const method of [
      { method: "gptq", bits: 4, groupSize: 32, blockSize: 32 },
      { method: "sparsegpt", pattern: "2:4", blockSize: 32 },
    ]) {
      test(`${method.method} compresses every linear, and the folder has the packed layers' weights`, async () => {
        const folder = await compressToFolder(method, await writeDenseModel(config));
        const packed = await readPackedLayers(folder);
        const model = await loadModel(folder);
        assert.equal(packed.size, 2 * blockLinears(model, 0).flat().length);
        for (let index = 0; index < 2; index++) {
          for (const [name, { data }] of await model.block(index)) {
            const layer = packed.get(model.architecture.blockWeightName(index, name));
            if (layer !== undefined) assert.deepEqual(data, layer.compressed.weight, name);
          }
        }
        await model.close();
      });
    }

    test("exported quantized layers are read as the model that was compressed", async () => {
      const folder = await compressToFolder({ method: "rtn", groupSize: 32 }, await writeDenseModel(config));
      for (const format of ["gptq", "compressed-tensors"]) {
        const [own, exported] = await Promise.all([folder, await exportFolder(folder, format)].map(loadModel));
        const ids = TOKENS.map((row) => Int32Array.from(row));
        const [wanted, found] = [await forwardTokens(own, ids), await forwardTokens(exported, ids)];
        // Scales are kept in float16 there: 11 bits of each.
        const error = wanted.logits.data.reduce((most, x, i) => Math.max(most, Math.abs(x - found.logits.data[i])), 0);
        const size = wanted.logits.data.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        assert.ok(error <= 0.02 * size, `${format}: ${error} of ${size}`);
        await Promise.all([own.close(), exported.close()]);
      }
    });
  });
}

const { gemma, gemma2, gemma3_text, gpt_neox, opt, qwen2 } = familyConfigs;
const refused: Record<string, { config: object; error: ErrorType; message: RegExp }> = {
  "OPT with projected embeddings": {
    config: { ...opt, word_embed_proj_dim: 32 },
    error: "UnsupportedArchitecture",
    message: /350m/,
  },
  "OPT with another activation": {
    config: { ...opt, activation_function: "silu" },
    error: "UnsupportedArchitecture",
    message: /silu is not supported.*relu/s,
  },
  "Qwen with other attention in some blocks": {
    config: { ...qwen2, layer_types: ["full_attention", "linear_attention"] },
    error: "UnsupportedArchitecture",
    message: /linear_attention is not supported.*sliding_attention/s,
  },
  "types of more blocks than there are": {
    config: { ...qwen2, layer_types: Array(3).fill("sliding_attention") },
    error: "InvalidModel",
    message: /2 blocks, but types of 3.*layer_types/s,
  },
  "Gemma 2 that attends to later tokens": {
    config: { ...gemma2, use_bidirectional_attention: true },
    error: "UnsupportedArchitecture",
    message: /later tokens/,
  },
  "Gemma 2 without a size of its window": {
    config: { ...gemma2, sliding_window: null },
    error: "InvalidModel",
    message: /key sliding_window/,
  },
  "Gemma 3 with soft caps in attention": {
    config: { ...gemma3_text, attn_logit_softcapping: 50 },
    error: "UnsupportedArchitecture",
    message: /soft caps in attention/,
  },
  "Gemma 3 with one rotation for all blocks": {
    config: { ...gemma3_text, rope_parameters: { rope_type: "default", rope_theta: 10000 } },
    error: "InvalidModel",
    message: /key rope_parameters/,
  },
  "Gemma 3 with images": {
    config: { model_type: "gemma3", text_config: gemma3_text },
    error: "UnsupportedArchitecture",
    message: /"gemma3".*gemma3_text.*save/s,
  },
  "GPT-NeoX that rotates an odd number of dimensions": {
    config: { ...gpt_neox, rotary_pct: 0.2 },
    error: "InvalidModel",
    message: /3 of a head's 16 dimensions/,
  },
  "Gemma without a size": {
    config: { ...gemma, intermediate_size: undefined },
    error: "InvalidModel",
    message: /key intermediate_size/,
  },
  "heads that don't divide the hidden size": {
    config: { ...qwen2, num_attention_heads: 6 },
    error: "InvalidModel",
    message: /64 doesn't divide among 6 heads/,
  },
  "an unknown family": {
    config: { ...gemma, model_type: "mamba" },
    error: "UnsupportedArchitecture",
    message: /"mamba".*gemma, gemma2, gemma3_text, gpt_neox, llama.*CONTRIBUTING/s,
  },
};

test("blocks without a window rotate alike, whatever is said of those with one", async () => {
  const models = [500, 900].map(async (rope_local_base_freq) => {
    const layer_types = Array(2).fill("full_attention");
    const model = await loadModel(await writeDenseModel({ ...gemma3_text, layer_types, rope_local_base_freq }));
    const { logits } = await forwardTokens(model, [Int32Array.from(TOKENS[0])]);
    await model.close();
    return logits.data;
  });
  const [one, other] = await Promise.all(models);
  assert.deepEqual(one, other);
});

const sameMeaning: Record<string, readonly [object, object]> = {
  "Gemma 3, before transformers 5 and since": [
    gemma3_text,
    {
      ...{
        ...gemma3_text,
        sliding_window_pattern: undefined,
        rope_scaling: undefined,
        rope_local_base_freq: undefined,
      },
      layer_types: ["sliding_attention", "full_attention"],
      rope_parameters: {
        full_attention: { rope_type: "linear", factor: 4, rope_theta: 1_000_000 },
        sliding_attention: { rope_type: "default", rope_theta: 500 },
      },
    },
  ],
  "Gemma 2's window in every other block": [
    gemma2,
    { ...gemma2, layer_types: ["sliding_attention", "full_attention"] },
  ],
  "Gemma 2's defaults": [
    { ...gemma2, attn_logit_softcapping: undefined, final_logit_softcapping: undefined, sliding_window: undefined },
    { ...gemma2, attn_logit_softcapping: 50, final_logit_softcapping: 30, sliding_window: 4096 },
  ],
  "Qwen's window in later blocks": [
    { ...qwen2, max_window_layers: 1 },
    { ...qwen2, layer_types: ["full_attention", "sliding_attention"] },
  ],
};

for (const [what, configs] of Object.entries(sameMeaning)) {
  test(`${what}: two ways to say the same`, () => {
    const [one, other] = configs.map((config) => {
      const given = JSON.parse(JSON.stringify(config));
      return { ...architectureOf(given, what).readConfig(given, what), huggingFace: undefined };
    });
    assert.deepEqual(one, other);
  });
}

for (const [what, { config, error, message }] of Object.entries(refused)) {
  test(`${what}: ${error}`, async () => {
    const folder = await writeSmallModel(smallWeights(gemma), { ...config });
    await assert.rejects(loadModel(folder), { name: error, message });
  });
}
