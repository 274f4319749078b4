import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import type { Architecture, ModelConfig, Stage, TokenTree, Weights } from "../model.js";
import { attentionOf, attentionOver } from "./attend.js";
import { commonKeys, count, parseKeys, readActivation, tokenIds, unsupported } from "./config-keys.js";
import { biasedShapes, layerNormHead } from "./layer-norms.js";
import { activate, layerNorm, project, weightOf } from "./layers.js";
import { type SharedInputStage, sharedInput } from "./shared-input.js";

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
  blockWeightName: (index, name) => `model.decoder.layers.${index}.${name}`,
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
  stages,
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
    vocabSize: json.vocab_size,
    hiddenSize: json.hidden_size,
    intermediateSize: json.ffn_dim,
    blocks: json.num_hidden_layers,
    attentionHeads: json.num_attention_heads,
    keyValueHeads: json.num_attention_heads,
    headDim: json.hidden_size / json.num_attention_heads,
    activation: readActivation(json.activation_function, ["relu", "gelu"], where),
    normEps: NORM_EPS,
    rotaryDim: 0,
    ropeTheta: 0,
    ropeScaling: null,
    slidingWindow: null,
    biases: LINEARS,
    maxPositionEmbeddings: json.max_position_embeddings,
    tieWordEmbeddings: json.tie_word_embeddings,
    ...tokenIds(json),
    huggingFace,
  };
}

function stages(config: ModelConfig, _index: number, tokens: number, tree?: TokenTree): Stage[] {
  const attend = attentionOver(config, tokens, tree);
  const norm = (hidden: tf.Tensor3D, weights: Weights, name: string) =>
    layerNorm(hidden, weights, name, config.normEps);
  const parts: SharedInputStage[] = [
    {
      linears: [Q, K, V],
      input: ({ hidden }, weights) => norm(hidden, weights, ATTENTION_NORM),
      next: ({ hidden }, input, weights) => {
        const [q, k, v] = [Q, K, V].map((name) => project(input, weights, name));
        return { hidden, attention: attend(q, k, v) };
      },
    },
    {
      linears: [O],
      input: attentionOf,
      next: ({ hidden }, input, weights) => ({ hidden: tf.add(hidden, project(input, weights, O)) }),
    },
    {
      linears: [UP],
      input: ({ hidden }, weights) => norm(hidden, weights, MLP_NORM),
      // The next stage computes this linear itself: its outputs would be the largest activations kept.
      next: ({ hidden }) => ({ hidden }),
    },
    {
      linears: [DOWN],
      input: ({ hidden }, weights) =>
        activate(project(norm(hidden, weights, MLP_NORM), weights, UP), config.activation),
      next: ({ hidden }, input, weights) => ({ hidden: tf.add(hidden, project(input, weights, DOWN)) }),
    },
  ];
  return parts.map(sharedInput);
}
