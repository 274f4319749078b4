import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import type { Architecture, ModelConfig, TokenTree, Weights } from "../model.js";
import { attentionOf, attentionOver } from "./attend.js";
import { commonKeys, count, parseKeys, readActivation, readRope, ropeKeys, tokenIds } from "./config-keys.js";
import { biasedShapes, layerNormHead } from "./layer-norms.js";
import { activate, layerNorm, project, weightOf } from "./layers.js";
import { type SharedInputStage, sharedInput } from "./shared-input.js";

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
  blockShapes: ({ hiddenSize, intermediateSize, biases }) => {
    const linears = new Map([
      [QKV, [3 * hiddenSize, hiddenSize]],
      [O, [hiddenSize, hiddenSize]],
      [UP, [intermediateSize, hiddenSize]],
      [DOWN, [hiddenSize, intermediateSize]],
    ]);
    return biasedShapes(linears, biases, [INPUT_NORM, MLP_NORM], hiddenSize);
  },
  blockWeightName: (index, name) => `gpt_neox.layers.${index}.${name}`,
  embeddingShapes: ({ vocabSize, hiddenSize }) => new Map([[EMBEDDING, [vocabSize, hiddenSize]]]),
  embed: (_, tokens, weights) => tf.gather(weightOf(weights, EMBEDDING), tokens) as tf.Tensor3D,
  stages: (config, _index, tokens, tree) =>
    (isParallel(config) ? parallel : sequential)(parts(config, tokens, tree)).map(sharedInput),
  ...layerNormHead(FINAL_NORM, EMBEDDING, HEAD),
};

function readConfig(huggingFace: Readonly<Record<string, unknown>>, where: string): ModelConfig {
  const json = parseKeys(schema, huggingFace, where);
  const headDim = json.hidden_size / json.num_attention_heads;
  const rope = { partial_rotary_factor: json.rotary_pct, rope_theta: json.rotary_emb_base };
  return {
    modelType: "gpt_neox",
    vocabSize: json.vocab_size,
    hiddenSize: json.hidden_size,
    intermediateSize: json.intermediate_size,
    blocks: json.num_hidden_layers,
    attentionHeads: json.num_attention_heads,
    keyValueHeads: json.num_attention_heads,
    headDim,
    activation: readActivation(json.hidden_act, ["gelu", "geluTanh", "relu"], where),
    normEps: json.layer_norm_eps,
    ...readRope({ ...rope, ...json }, headDim, where),
    slidingWindow: null,
    biases: json.attention_bias ? [QKV, O, UP, DOWN] : [UP, DOWN],
    maxPositionEmbeddings: json.max_position_embeddings,
    tieWordEmbeddings: json.tie_word_embeddings,
    ...tokenIds(json),
    huggingFace,
  };
}

function isParallel({ huggingFace }: ModelConfig): boolean {
  return huggingFace.use_parallel_residual !== false;
}

interface Parts {
  attention: SharedInputStage;
  output: SharedInputStage;
  up: SharedInputStage;
  down: SharedInputStage;
}

/** x + attention(norm(x)), and to that the feed-forward part of its own norm. */
function sequential({ attention, output, up, down }: Parts): SharedInputStage[] {
  return [attention, output, up, down];
}

/** x + attention(norm(x)) + feed-forward(norm(x)): the feed-forward part goes first, while x is still what came in. */
function parallel({ attention, output, up, down }: Parts): SharedInputStage[] {
  return [attention, up, down, output];
}

function parts(config: ModelConfig, tokens: number, tree?: TokenTree): Parts {
  const { attentionHeads, headDim, normEps, activation } = config;
  const attend = attentionOver(config, tokens, tree);
  const mlpInput = ({ hidden }: { hidden: tf.Tensor3D }, weights: Weights) =>
    layerNorm(hidden, weights, MLP_NORM, normEps);
  return {
    attention: {
      linears: [QKV],
      input: ({ hidden }, weights) => layerNorm(hidden, weights, INPUT_NORM, normEps),
      next: ({ hidden }, input, weights) => {
        // Each head's q, k and v stand together.
        const [sequences, rows] = hidden.shape;
        const byHead = tf.reshape(project(input, weights, QKV), [sequences, rows, attentionHeads, 3 * headDim]);
        const [q, k, v] = tf.split(byHead, 3, 3).map((part) => tf.reshape<tf.Rank.R3>(part, hidden.shape));
        return { hidden, attention: attend(q, k, v) };
      },
    },
    output: {
      linears: [O],
      input: attentionOf,
      next: ({ hidden }, input, weights) => ({ hidden: tf.add(hidden, project(input, weights, O)) }),
    },
    up: {
      linears: [UP],
      input: mlpInput,
      // The next stage computes this linear itself: its outputs would be the largest activations kept.
      next: ({ hidden, attention }) => ({ hidden, attention }),
    },
    down: {
      linears: [DOWN],
      input: (state, weights) => activate(project(mlpInput(state, weights), weights, UP), activation),
      next: ({ hidden, attention }, input, weights) => ({
        hidden: tf.add(hidden, project(input, weights, DOWN)),
        attention,
      }),
    },
  };
}
