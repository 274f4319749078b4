import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import type { Architecture, ModelConfig } from "../model.js";
import { attentionOver } from "./attend.js";
import {
  commonConfig,
  commonKeys,
  count,
  headSize,
  parseKeys,
  readActivation,
  readRope,
  ropeKeys,
} from "./config-keys.js";
import { fusedQueries, fusedShapes, type LayerNormBlock, layerNormStages } from "./layer-norm-block.js";
import { layerNormHead } from "./layer-norms.js";
import { weightOf } from "./layers.js";

const EMBEDDING = "gpt_neox.embed_in.weight";
const FINAL_NORM = "gpt_neox.final_layer_norm.weight";
const HEAD = "embed_out.weight";

const INPUT_NORM = "input_layernorm.weight";
const QKV = "attention.query_key_value.weight";
const O = "attention.dense.weight";
const MLP_NORM = "post_attention_layernorm.weight";
const UP = "mlp.dense_h_to_4h.weight";
const DOWN = "mlp.dense_4h_to_h.weight";

const schema = z.object({
  ...commonKeys,
  ...ropeKeys,
  intermediate_size: count,
  hidden_act: z.string().default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
  max_position_embeddings: count.default(2048),
  /** As transformers before 5 spelt `rope_parameters`. */
  rotary_pct: z.number().positive().max(1).default(0.25),
  rotary_emb_base: z.number().positive().default(10000),
  use_parallel_residual: z.boolean().default(true),
  attention_bias: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(false),
});

/**
 * GPT-NeoX and Pythia (Black et al. 2022, arXiv 2204.06745, section 2): one linear for q, k and v, rotary embedding of a part of
 * each head, and attention beside the feed-forward part.
 */
export const gptNeox: Architecture = {
  modelType: "gpt_neox",
  readConfig,
  blockShapes: (config) => fusedShapes(blockOf(config), config, [INPUT_NORM, MLP_NORM]),
  blockWeightName: (_, index, name) => `gpt_neox.layers.${index}.${name}`,
  embeddingShapes: ({ vocabSize, hiddenSize }) => new Map([[EMBEDDING, [vocabSize, hiddenSize]]]),
  embed: (_, tokens, weights) => tf.gather(weightOf(weights, EMBEDDING), tokens) as tf.Tensor3D,
  stages: (config, index, tokens, tree) =>
    layerNormStages(blockOf(config), config, attentionOver(config, index, tokens, tree)),
  ...layerNormHead(FINAL_NORM, EMBEDDING, HEAD),
};

function readConfig(huggingFace: Readonly<Record<string, unknown>>, where: string): ModelConfig {
  const json = parseKeys(schema, huggingFace, where);
  const headDim = headSize(json, where);
  const rope = { partial_rotary_factor: json.rotary_pct, rope_theta: json.rotary_emb_base };
  return {
    modelType: "gpt_neox",
    ...commonConfig(json),
    intermediateSize: json.intermediate_size,
    keyValueHeads: json.num_attention_heads,
    headDim,
    activation: readActivation(json.hidden_act, ["gelu", "geluTanh", "relu"], where),
    normEps: json.layer_norm_eps,
    ...readRope({ ...rope, ...json }, headDim, where),
    slidingWindow: null,
    biases: json.attention_bias ? [QKV, O, UP, DOWN] : [UP, DOWN],
    maxPositionEmbeddings: json.max_position_embeddings,
    tieWordEmbeddings: json.tie_word_embeddings,
    huggingFace,
  };
}

function blockOf(config: ModelConfig): LayerNormBlock {
  return {
    ...fusedQueries(QKV, config),
    output: O,
    up: UP,
    down: DOWN,
    attentionNorm: INPUT_NORM,
    mlpNorm: MLP_NORM,
    parallel: config.huggingFace.use_parallel_residual !== false,
  };
}
