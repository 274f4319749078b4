import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { decodeBfloat16, encodeBfloat16 } from "../../tensor/float16.js";
import type { Architecture, ModelConfig } from "../model.js";
import { alibi, alibiSlopes, biasedAttention, type PositionBias } from "./alibi.js";
import { attentionOver } from "./attend.js";
import {
  checkHeadGroups,
  commonConfig,
  commonKeys,
  count,
  headSize,
  parseKeys,
  readActivation,
  readRope,
  ropeKeys,
  unsupported,
} from "./config-keys.js";
import { fusedQueries, fusedShapes, type LayerNormBlock, layerNormStages } from "./layer-norm-block.js";
import { layerNormHead } from "./layer-norms.js";
import { weightOf } from "./layers.js";

const EMBEDDING = "transformer.word_embeddings.weight";
const FINAL_NORM = "transformer.ln_f.weight";
const HEAD = "lm_head.weight";

const INPUT_NORM = "input_layernorm.weight";
const MLP_NORM = "post_attention_layernorm.weight";
/** Where both parts of a block see what comes in, each through a norm of its own. */
const PARALLEL_NORMS = { attentionNorm: "ln_attn.weight", mlpNorm: "ln_mlp.weight" };
const QKV = "self_attention.query_key_value.weight";
const O = "self_attention.dense.weight";
const UP = "mlp.dense_h_to_4h.weight";
const DOWN = "mlp.dense_4h_to_h.weight";

/** What a block is like; transformers' defaults are those of falcon-7b. */
const formKeys = {
  alibi: z.boolean().nullish(),
  new_decoder_architecture: z.boolean().nullish(),
  multi_query: z.boolean().nullish(),
  parallel_attn: z.boolean().nullish(),
  num_ln_in_parallel_attn: z.int().nullish(),
};

const schema = z.object({
  ...commonKeys,
  ...ropeKeys,
  ...formKeys,
  num_kv_heads: count.nullish(),
  ffn_hidden_size: count.nullish(),
  bias: z.boolean().nullish(),
  activation: z.string().nullish(),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  max_position_embeddings: count.default(2048),
  tie_word_embeddings: z.boolean().default(true),
});

/**
 * Falcon (Almazrouei et al. 2023, arXiv 2311.16867, section 4): attention beside the feed-forward part, both of one norm (7B,
 * 11B) or of two (40B, 180B), few key-value heads, rotary embedding. Falcon-RW has one part after the other, all heads, biases,
 * and a bias by distance (ALiBi).
 */
export const falcon: Architecture = {
  modelType: "falcon",
  readConfig,
  blockShapes: (config) => {
    const block = blockOf(config);
    return fusedShapes(block, config, Array.from(new Set([block.attentionNorm, block.mlpNorm])));
  },
  blockWeightName: (_, index, name) => `transformer.h.${index}.${name}`,
  embeddingShapes: ({ vocabSize, hiddenSize }) => new Map([[EMBEDDING, [vocabSize, hiddenSize]]]),
  embed: (_, tokens, weights) => tf.gather(weightOf(weights, EMBEDDING), tokens) as tf.Tensor3D,
  stages: (config, index, tokens, tree) => {
    const attend = formOf(config.huggingFace).alibi
      ? biasedAttention(config, index, tokens, tree, roundedBias(config))
      : attentionOver(config, index, tokens, tree);
    return layerNormStages(blockOf(config), config, attend);
  },
  ...layerNormHead(FINAL_NORM, EMBEDDING, HEAD),
};

function readConfig(huggingFace: Readonly<Record<string, unknown>>, where: string): ModelConfig {
  const json = parseKeys(schema, huggingFace, where);
  const form = formOf(huggingFace);
  checkForm(form, where);
  const headDim = headSize(json, where);
  const attentionHeads = json.num_attention_heads;
  const grouped = form.grouped ? (json.num_kv_heads ?? attentionHeads) : attentionHeads;
  const keyValueHeads = form.multiQuery ? 1 : grouped;
  checkHeadGroups(attentionHeads, keyValueHeads, where);
  return {
    modelType: "falcon",
    ...commonConfig(json),
    intermediateSize: json.ffn_hidden_size ?? 4 * json.hidden_size,
    keyValueHeads,
    headDim,
    activation: readActivation(json.activation ?? "gelu", ["gelu", "geluTanh", "relu", "silu"], where),
    normEps: json.layer_norm_epsilon,
    ...(form.alibi ? { rotaryDim: 0, ropeTheta: 0, ropeScaling: null } : readRope(json, headDim, where)),
    slidingWindow: null,
    biases: json.bias ? [QKV, O, UP, DOWN] : [],
    maxPositionEmbeddings: json.max_position_embeddings,
    tieWordEmbeddings: json.tie_word_embeddings,
    huggingFace,
  };
}

interface Form {
  alibi: boolean;
  grouped: boolean;
  multiQuery: boolean;
  parallel: boolean;
  norms: number;
}

function formOf(huggingFace: Readonly<Record<string, unknown>>): Form {
  const json = z.object(formKeys).parse(huggingFace);
  const grouped = json.new_decoder_architecture ?? false;
  return {
    alibi: json.alibi ?? false,
    grouped,
    multiQuery: !grouped && (json.multi_query ?? true),
    parallel: json.parallel_attn ?? true,
    norms: json.num_ln_in_parallel_attn ?? (grouped ? 2 : 1),
  };
}

/** Of the forms that the keys could mean, transformers has these. */
function checkForm({ grouped, parallel, norms }: Form, where: string): void {
  const known = grouped ? parallel && (norms === 1 || norms === 2) : !parallel || norms === 1;
  if (known) return;
  throw unsupported(
    `Of Falcon, ${norms} norms in a ${parallel ? "parallel" : "sequential"} block of the ${grouped ? "new" : "old"} architecture are not supported`,
    `${where}, keys num_ln_in_parallel_attn, parallel_attn, new_decoder_architecture`,
    "All published models are.",
  );
}

function blockOf(config: ModelConfig): LayerNormBlock {
  const { parallel, norms } = formOf(config.huggingFace);
  const parts = { ...fusedQueries(QKV, config), output: O, up: UP, down: DOWN, parallel };
  if (!parallel) return { ...parts, attentionNorm: INPUT_NORM, mlpNorm: MLP_NORM };
  if (norms === 2) return { ...parts, ...PARALLEL_NORMS };
  return { ...parts, attentionNorm: INPUT_NORM, mlpNorm: INPUT_NORM };
}

/**
 * Falcon's bias is in bfloat16, slopes, positions and products, whatever the model is in; and it is scaled as the scores are:
 * (q k + bias) / sqrt(headDim).
 */
function roundedBias({ attentionHeads, headDim }: ModelConfig): PositionBias {
  const slopes = toBfloat16(alibiSlopes(attentionHeads));
  const scale = Math.sqrt(headDim);
  return (positions) => toBfloat16(alibi(toBfloat16(positions), slopes)).map((bias) => bias / scale);
}

function toBfloat16(values: Float32Array): Float32Array {
  return decodeBfloat16(encodeBfloat16(values));
}
