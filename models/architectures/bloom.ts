import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import type { Architecture, ModelConfig } from "../model.js";
import { alibi, alibiSlopes, biasedAttention } from "./alibi.js";
import { commonConfig, commonKeys, count, headSize, parseKeys, unsupported } from "./config-keys.js";
import { fusedQueries, fusedShapes, type LayerNormBlock, layerNormStages } from "./layer-norm-block.js";
import { layerNormHead } from "./layer-norms.js";
import { biasOf, layerNorm, weightOf } from "./layers.js";

const EMBEDDING = "transformer.word_embeddings.weight";
const EMBEDDING_NORM = "transformer.word_embeddings_layernorm.weight";
const FINAL_NORM = "transformer.ln_f.weight";
const HEAD = "lm_head.weight";

const ATTENTION_NORM = "input_layernorm.weight";
const QKV = "self_attention.query_key_value.weight";
const O = "self_attention.dense.weight";
const MLP_NORM = "post_attention_layernorm.weight";
const UP = "mlp.dense_h_to_4h.weight";
const DOWN = "mlp.dense_4h_to_h.weight";

const schema = z.object({
  ...commonKeys,
  layer_norm_epsilon: z.number().positive().default(1e-5),
  apply_residual_connection_post_layernorm: z.boolean().default(false),
  /** Positions have no bound; the published models were trained on so many. */
  seq_length: count.default(2048),
  tie_word_embeddings: z.boolean().default(true),
});

/**
 * BLOOM and BLOOMZ (Le Scao et al. 2022, arXiv 2211.05100, section 3.2): a bias by distance in place of positions (ALiBi), and a
 * norm after the embedding.
 */
export const bloom: Architecture = {
  modelType: "bloom",
  readConfig,
  blockShapes: (config) => fusedShapes(blockOf(config), config, [ATTENTION_NORM, MLP_NORM]),
  blockWeightName: (_, index, name) => `transformer.h.${index}.${name}`,
  embeddingShapes: ({ vocabSize, hiddenSize }) =>
    new Map([
      [EMBEDDING, [vocabSize, hiddenSize]],
      [EMBEDDING_NORM, [hiddenSize]],
      [biasOf(EMBEDDING_NORM), [hiddenSize]],
    ]),
  embed: ({ normEps }, tokens, weights) =>
    layerNorm(tf.gather(weightOf(weights, EMBEDDING), tokens) as tf.Tensor3D, weights, EMBEDDING_NORM, normEps),
  stages: (config, index, tokens, tree) => {
    const slopes = alibiSlopes(config.attentionHeads);
    const attend = biasedAttention(config, index, tokens, tree, (positions) => alibi(positions, slopes));
    return layerNormStages(blockOf(config), config, attend);
  },
  ...layerNormHead(FINAL_NORM, EMBEDDING, HEAD),
};

function readConfig(huggingFace: Readonly<Record<string, unknown>>, where: string): ModelConfig {
  // The sizes as older configurations name them.
  const { n_embed, n_layer, n_head } = huggingFace;
  const older = { hidden_size: n_embed, num_hidden_layers: n_layer, num_attention_heads: n_head };
  const named = Object.entries(older).filter(([, value]) => value !== undefined);
  const json = parseKeys(schema, { ...huggingFace, ...Object.fromEntries(named) }, where);
  if (json.apply_residual_connection_post_layernorm) {
    throw unsupported(
      "Of BLOOM, sums with what comes out of the norms are not supported",
      `${where}, key apply_residual_connection_post_layernorm`,
      "All published sizes are.",
    );
  }
  return {
    modelType: "bloom",
    ...commonConfig(json),
    intermediateSize: 4 * json.hidden_size,
    keyValueHeads: json.num_attention_heads,
    headDim: headSize(json, where),
    activation: "geluTanh",
    normEps: json.layer_norm_epsilon,
    rotaryDim: 0,
    ropeTheta: 0,
    ropeScaling: null,
    slidingWindow: null,
    biases: [QKV, O, UP, DOWN],
    maxPositionEmbeddings: json.seq_length,
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
    attentionNorm: ATTENTION_NORM,
    mlpNorm: MLP_NORM,
    parallel: false,
  };
}
