import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import type { Architecture, ModelConfig, TokenTree } from "../model.js";
import { attentionOver } from "./attend.js";
import { commonConfig, commonKeys, count, headSize, parseKeys, readActivation, unsupported } from "./config-keys.js";
import { type LayerNormBlock, layerNormStages } from "./layer-norm-block.js";
import { biasedShapes, layerNormHead } from "./layer-norms.js";
import { project, weightOf } from "./layers.js";

const EMBEDDING = "model.decoder.embed_tokens.weight";
const POSITIONS = "model.decoder.embed_positions.weight";
const FINAL_NORM = "model.decoder.final_layer_norm.weight";
const HEAD = "lm_head.weight";

const ATTENTION_NORM = "self_attn_layer_norm.weight";
const Q = "self_attn.q_proj.weight";
const K = "self_attn.k_proj.weight";
const V = "self_attn.v_proj.weight";
const O = "self_attn.out_proj.weight";
const MLP_NORM = "final_layer_norm.weight";
const UP = "fc1.weight";
const DOWN = "fc2.weight";
const LINEARS = [Q, K, V, O, UP, DOWN];

const block: LayerNormBlock = {
  into: [Q, K, V],
  queriesKeysValues: (input, weights) => [Q, K, V].map((name) => project(input, weights, name)),
  output: O,
  up: UP,
  down: DOWN,
  attentionNorm: ATTENTION_NORM,
  mlpNorm: MLP_NORM,
  parallel: false,
};

/** Rows before position 0: the published models were trained with these two for padding. */
const POSITION_OFFSET = 2;
const NORM_EPS = 1e-5;

const schema = z.object({
  ...commonKeys,
  ffn_dim: count,
  activation_function: z.string().default("relu"),
  max_position_embeddings: count.default(2048),
  word_embed_proj_dim: count.nullish(),
  do_layer_norm_before: z.boolean().default(true),
  _remove_final_layer_norm: z.boolean().default(false),
  enable_bias: z.boolean().default(true),
  layer_norm_elementwise_affine: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(true),
});

/** OPT (Zhang et al. 2022, arXiv 2205.01068): learned positions, layer norms, biases, relu. */
export const opt: Architecture = {
  modelType: "opt",
  readConfig,
  blockShapes: ({ hiddenSize, intermediateSize, biases }) => {
    const linears = new Map([
      ...[Q, K, V, O].map((name) => [name, [hiddenSize, hiddenSize]] as const),
      [UP, [intermediateSize, hiddenSize]] as const,
      [DOWN, [hiddenSize, intermediateSize]] as const,
    ]);
    return biasedShapes(linears, biases, [ATTENTION_NORM, MLP_NORM], hiddenSize);
  },
  blockWeightName: (_, index, name) => `model.decoder.layers.${index}.${name}`,
  embeddingShapes: ({ vocabSize, hiddenSize, maxPositionEmbeddings }) =>
    new Map([
      [EMBEDDING, [vocabSize, hiddenSize]],
      [POSITIONS, [maxPositionEmbeddings + POSITION_OFFSET, hiddenSize]],
    ]),
  embed: (_, tokens, weights, tree) => {
    const rows = tf.tensor1d(positionRows(tokens.shape[1], tree), "int32");
    const positions = tf.gather(weightOf(weights, POSITIONS), rows);
    return tf.add(tf.gather(weightOf(weights, EMBEDDING), tokens), positions);
  },
  stages: (config, index, tokens, tree) => layerNormStages(block, config, attentionOver(config, index, tokens, tree)),
  ...layerNormHead(FINAL_NORM, EMBEDDING, HEAD),
};

/** Each token's row of the positions; padding after a tree has that of its first token. */
function positionRows(tokens: number, tree: TokenTree | undefined): Int32Array {
  return Int32Array.from(
    { length: tokens },
    (_, i) => POSITION_OFFSET + (tree === undefined ? i : (tree.positions[i] ?? 0)),
  );
}

function readConfig(huggingFace: Readonly<Record<string, unknown>>, where: string): ModelConfig {
  const json = parseKeys(schema, huggingFace, where);
  const isKnown =
    json.do_layer_norm_before &&
    !json._remove_final_layer_norm &&
    json.enable_bias &&
    json.layer_norm_elementwise_affine &&
    (json.word_embed_proj_dim ?? json.hidden_size) === json.hidden_size;
  if (!isKnown) {
    throw unsupported(
      "Of OPT, norms after the sums, missing biases and projected embeddings are not supported",
      where,
      "All published sizes but 350m are.",
    );
  }
  return {
    modelType: "opt",
    ...commonConfig(json),
    intermediateSize: json.ffn_dim,
    keyValueHeads: json.num_attention_heads,
    headDim: headSize(json, where),
    activation: readActivation(json.activation_function, ["relu", "gelu"], where),
    normEps: NORM_EPS,
    rotaryDim: 0,
    ropeTheta: 0,
    ropeScaling: null,
    slidingWindow: null,
    biases: LINEARS,
    maxPositionEmbeddings: json.max_position_embeddings,
    tieWordEmbeddings: json.tie_word_embeddings,
    huggingFace,
  };
}
