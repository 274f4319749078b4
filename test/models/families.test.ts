import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { replaced } from "../../compression/compress-model.js";
import { blockLinears } from "../../compression/linears.js";
import { scoreSequences } from "../../evaluation/score.js";
import { embedChunks, forwardTokens, runBlock, stateTensors, toTensors } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { BlockState, Model, Stage } from "../../models/model.js";
import { architectureOf } from "../../models/registry.js";
import type { ErrorType } from "../../study/errors.js";
import { methodSettingsSchema } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { compressToFolder, exportFolder, readPackedLayers, TOKENS, writeDenseModel } from "../compressed-folder.js";
import { compressTensors } from "../compression/tensor-block.js";
import { familyConfigs } from "./family-configs.js";
import { smallWeights, writeSmallModel } from "./small-model.js";

before(loadBackend);

/** What says which experts a token goes through, or what distances add to scores, is no linear that is compressed. */
const isKept = (name: string) => /(mlp|moe)\.(gate|shared_expert_gate)\.weight$|attention_bias\.weight$/.test(name);

function keptIn({ architecture, config }: Model): string[] {
  return Array.from({ length: config.blocks }, (_, index) =>
    Array.from(architecture.blockShapes(config, index).keys())
      .filter(isKept)
      .map((name) => architecture.blockWeightName(config, index, name).slice(0, -".weight".length)),
  ).flat();
}

/** By the configuration of an exported folder. */
async function ignoredBy({ path }: Model): Promise<unknown> {
  return JSON.parse(await readFile(join(path, "config.json"), "utf8")).quantization_config.ignore;
}

for (const [family, config] of Object.entries(familyConfigs)) {
  describe(family, () => {
    test("every linear of a block is in one stage, and each has the shape of its weight", async () => {
      const model = await loadModel(await writeDenseModel(config));
      for (let index = 0; index < model.config.blocks; index++) {
        const shapes = model.architecture.blockShapes(model.config, index);
        const matrices = Array.from(shapes).filter(([name, shape]) => shape.length === 2 && !isKept(name));
        const staged = model.architecture.stages(model.config, index, 1).flatMap(({ groups }) => groups);
        const linears = staged.flatMap((group) => group.linears);
        assert.deepEqual(linears.toSorted(), matrices.map(([name]) => name).toSorted());
        assert.equal(blockLinears(model, index).flat().length, linears.length);
      }
      await model.close();
    });

    test("the state after a stage needs no linears of later stages", async () => {
      const model = await loadModel(await writeDenseModel(config));
      const hidden = tf.randomNormal<tf.Rank.R3>([2, 5, model.config.hiddenSize], 0, 1, "float32", 1);
      for (const index of [0, 1]) {
        const weights = await model.block(index);
        const stages = model.architecture.stages(model.config, index, 5);
        for (const last of stages.keys()) {
          const groups = stages.slice(last + 1).flatMap((stage) => stage.groups);
          const later = new Set(groups.flatMap(({ linears }) => linears));
          const known = Array.from(weights, ([name, { shape, data }]) => {
            return [name, { shape, data: later.has(name) ? data.map(() => Number.NaN) : data }] as const;
          });
          const state = tf.tidy(() => {
            const tensors = toTensors(new Map(known));
            const start: BlockState = { hidden };
            const after = (state: BlockState, { groups, next }: Stage) =>
              next(state, (group) => groups[group].input(state, tensors), tensors);
            return stateTensors(stages.slice(0, last + 1).reduce(after, start));
          });
          for (const tensor of state) assert.ok(tensor.dataSync().every(Number.isFinite));
        }
      }
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
      assert.deepEqual(changedEnd.subarray(0, -40), whole.subarray(0, -40));
      assert.notDeepEqual(swapped.subarray(-3 * 40), whole.subarray(-3 * 40));
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
        const solved = await compressTensors(model, index, weights, inputs, settings);
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
        assert.equal(packed.size, [0, 1].flatMap((index) => blockLinears(model, index).flat()).length);
        for (let index = 0; index < 2; index++) {
          for (const [name, { data }] of await model.block(index)) {
            const layer = packed.get(model.architecture.blockWeightName(model.config, index, name));
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
        if (format === "compressed-tensors") assert.deepEqual(await ignoredBy(exported), ["lm_head", ...keptIn(own)]);
      }
    });
  });
}

test("T5's outputs are scaled where its head is the embedding, whichever key says so", () => {
  const isTied = (keys: object) => {
    const config = { ...familyConfigs.t5, ...keys };
    return architectureOf(config, "t5").readConfig(config, "t5").tieWordEmbeddings;
  };
  assert.equal(isTied({}), true);
  assert.equal(isTied({ tie_word_embeddings: false }), false);
  assert.equal(isTied({ tie_word_embeddings: true, scale_decoder_outputs: false }), false);
});

test("what a configuration leaves out is what transformers takes for it", () => {
  const read = (family: string) => {
    const config = familyConfigs[family];
    const { normEps, ropeTheta } = architectureOf(config, family).readConfig(config, family);
    return { normEps, ropeTheta };
  };
  assert.deepEqual(read("phi3"), { normEps: 1e-5, ropeTheta: 1e4 });
  assert.deepEqual(read("mixtral"), { normEps: 1e-5, ropeTheta: 1e6 });
  assert.deepEqual(read("mistral"), { normEps: 1e-6, ropeTheta: 1e4 });
});

const { bloom, falcon, gemma, gemma2, gemma3_text, gpt_neox, mixtral, opt, qwen2, qwen3_moe, t5 } = familyConfigs;
const qwen2Moe = familyConfigs["qwen2_moe, one block with experts"];
const refused: Record<string, { config: object; error: ErrorType; message: RegExp }> = {
  "BLOOM that adds what comes out of its norms": {
    config: { ...bloom, apply_residual_connection_post_layernorm: true },
    error: "UnsupportedArchitecture",
    message: /sums.*apply_residual_connection_post_layernorm/s,
  },
  "BLOOM of heads that don't divide its size": {
    config: { ...bloom, n_head: 5 },
    error: "InvalidModel",
    message: /96 doesn't divide among 5 heads/,
  },
  "Falcon's new architecture with one part after the other": {
    config: { ...falcon, new_decoder_architecture: true, parallel_attn: false },
    error: "UnsupportedArchitecture",
    message: /2 norms in a sequential block of the new architecture/,
  },
  "Falcon's old architecture with two norms": {
    config: { ...falcon, num_ln_in_parallel_attn: 2 },
    error: "UnsupportedArchitecture",
    message: /2 norms in a parallel block of the old architecture/,
  },
  "Falcon with another rotary scaling": {
    config: { ...falcon, rope_scaling: { type: "dynamic", factor: 2 } },
    error: "UnsupportedArchitecture",
    message: /Rotary scaling dynamic/,
  },
  "Falcon with key-value heads that don't divide its heads": {
    config: { ...falcon, new_decoder_architecture: true, num_kv_heads: 2 },
    error: "InvalidModel",
    message: /3 attention heads don't divide among 2 key-value heads/,
  },
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
  "T5's encoder alone": {
    config: { ...t5, is_encoder_decoder: false },
    error: "UnsupportedArchitecture",
    message: /encoder alone.*key is_encoder_decoder/s,
  },
  "T5 with another activation": {
    config: { ...t5, feed_forward_proj: "gated-tanh" },
    error: "UnsupportedArchitecture",
    message: /Activation tanh/,
  },
  "T5 whose distances are no more than its classes": {
    config: { ...t5, relative_attention_max_distance: 4 },
    error: "InvalidModel",
    message: /8 classes of distances need a largest distance above 4, not 4/,
  },
  "T5 with too few classes of distances": {
    config: { ...t5, relative_attention_num_buckets: 3 },
    error: "InvalidModel",
    message: /key relative_attention_num_buckets/,
  },
  "T5 without the width of its heads": {
    config: { ...t5, d_kv: undefined },
    error: "InvalidModel",
    message: /key d_kv/,
  },
  "a mixture with fewer experts than a token is routed to": {
    config: { ...mixtral, num_experts_per_tok: 6 },
    error: "InvalidModel",
    message: /6 of 5 experts/,
  },
  "a mixture that doesn't say how many experts it has": {
    config: { ...qwen3_moe, num_experts: undefined },
    error: "InvalidModel",
    message: /key num_experts/,
  },
  "Qwen2-MoE with a window": {
    config: { ...qwen2Moe, use_sliding_window: true },
    error: "UnsupportedArchitecture",
    message: /window.*use_sliding_window/s,
  },
  "heads that don't divide the hidden size": {
    config: { ...qwen2, num_attention_heads: 6 },
    error: "InvalidModel",
    message: /64 doesn't divide among 6 heads/,
  },
  "an unknown family": {
    config: { ...gemma, model_type: "mamba" },
    error: "UnsupportedArchitecture",
    message: /"mamba".*bloom, falcon, gemma, gemma2, gemma3_text, gpt_neox, llama.*CONTRIBUTING/s,
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
