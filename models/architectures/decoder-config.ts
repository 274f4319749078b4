import { z } from "zod";
import type { ModelConfig } from "../model.js";
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
} from "./config-keys.js";
import { DOWN, GATE, K, O, Q, UP, V } from "./decoder-names.js";
import { readWindows, type Windows } from "./windows.js";

/** Keys of `config.json` of LLaMA and the families of its form, with transformers' defaults. */
const decoderSchema = z.object({
  ...commonKeys,
  ...ropeKeys,
  intermediate_size: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().default("silu"),
  rms_norm_eps: z.number().positive().default(1e-6),
  max_position_embeddings: count.default(2048),
  tie_word_embeddings: z.boolean().optional(),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  sliding_window: count.nullish(),
});

/** Where a family's defaults differ from LLaMA's, or its keys mean something else. */
export interface DecoderKeys {
  modelType: string;
  /** Where the configuration says nothing of it. */
  tied?: boolean;
  /** Linears that always have a bias, by their weights' names. */
  biases?: readonly string[];
  /** Only some families look at their key `sliding_window`. */
  window?: boolean;
}

/**
 * The configuration of a model of LLaMA's form.
 * @throws TouchstoneError InvalidModel for missing or wrong keys, UnsupportedArchitecture for variants that aren't implemented
 */
export function readDecoderConfig(
  huggingFace: Readonly<Record<string, unknown>>,
  where: string,
  { modelType, tied = false, biases = [], window = false }: DecoderKeys,
): ModelConfig {
  const json = parseKeys(decoderSchema, huggingFace, where);
  const attentionHeads = json.num_attention_heads;
  const keyValueHeads = json.num_key_value_heads ?? attentionHeads;
  checkHeadGroups(attentionHeads, keyValueHeads, where);
  const headDim = json.head_dim ?? headSize(json, where);
  const given = [...(json.attention_bias ? [Q, K, V, O] : []), ...(json.mlp_bias ? [GATE, UP, DOWN] : [])];
  return {
    modelType,
    ...commonConfig(json),
    intermediateSize: json.intermediate_size,
    keyValueHeads,
    headDim,
    activation: readActivation(json.hidden_act, ["silu", "geluTanh"], where),
    normEps: json.rms_norm_eps,
    ...readRope(json, headDim, where),
    slidingWindow: window ? (json.sliding_window ?? null) : null,
    biases: biases.length > 0 ? biases : given,
    maxPositionEmbeddings: json.max_position_embeddings,
    tieWordEmbeddings: json.tie_word_embeddings ?? tied,
    huggingFace,
  };
}

const qwenSchema = z.object({
  use_sliding_window: z.boolean().default(false),
  sliding_window: count.nullish(),
  max_window_layers: z.int().nonnegative().default(28),
});

/**
 * Qwen's window, which later blocks alone may have.
 * @throws TouchstoneError InvalidModel, UnsupportedArchitecture
 */
export function readQwenWindow(huggingFace: Readonly<Record<string, unknown>>, where: string): Windows {
  const { use_sliding_window, sliding_window, max_window_layers } = parseKeys(qwenSchema, huggingFace, where);
  if (!use_sliding_window || sliding_window == null) return { slidingWindow: null };
  return readWindows(huggingFace, sliding_window, (index) => index >= max_window_layers, where);
}
