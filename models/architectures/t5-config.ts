import { z } from "zod";
import type { EncoderDecoderConfig, ModelConfig } from "../model.js";
import {
  blockCount,
  count,
  eosKey,
  firstEos,
  invalidConfig,
  parseKeys,
  readActivation,
  tokenId,
  unsupported,
} from "./config-keys.js";

const schema = z.object({
  vocab_size: count,
  d_model: count,
  d_kv: count,
  d_ff: count,
  num_layers: blockCount,
  /** As many as the encoder has, where nothing is said. */
  num_decoder_layers: blockCount.nullish(),
  num_heads: count,
  relative_attention_num_buckets: z.int().min(4).default(32),
  relative_attention_max_distance: count.default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  feed_forward_proj: z.string().default("relu"),
  is_encoder_decoder: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(true),
  /** Said by transformers from 5 on, where `tie_word_embeddings` is always true. */
  scale_decoder_outputs: z.boolean().optional(),
  pad_token_id: tokenId.nullish(),
  eos_token_id: eosKey,
  decoder_start_token_id: tokenId.nullish(),
  /** Positions have no bound; the published models were trained on so many. */
  n_positions: count.default(512),
});

export type T5Config = ModelConfig & { encoderDecoder: EncoderDecoderConfig };

/** @throws RangeError where it is no encoder-decoder's: a mistake of the program */
export function asT5(config: ModelConfig): T5Config {
  const { encoderDecoder } = config;
  if (encoderDecoder === undefined) throw new RangeError("the model is no encoder-decoder");
  return { ...config, encoderDecoder };
}

/**
 * The configuration of T5. Its blocks are the encoder's, then the decoder's.
 * @throws TouchstoneError InvalidModel for missing or wrong keys, UnsupportedArchitecture for variants that aren't implemented
 */
export function readT5Config(huggingFace: Readonly<Record<string, unknown>>, where: string): T5Config {
  const json = parseKeys(schema, huggingFace, where);
  const { relative_attention_num_buckets: buckets, relative_attention_max_distance: maxDistance } = json;
  if (!json.is_encoder_decoder)
    throw unsupported("T5's encoder alone is not supported", `${where}, key is_encoder_decoder`, "The whole model is.");
  // The decoder's classes are all for tokens before, half of them for one distance each.
  if (maxDistance <= Math.floor(buckets / 2))
    throw invalidConfig(
      `${buckets} classes of distances need a largest distance above ${Math.floor(buckets / 2)}, not ${maxDistance}`,
      `${where}, key relative_attention_max_distance`,
    );
  const { gated, activation } = readFeedForward(json.feed_forward_proj, where);
  return {
    modelType: "t5",
    vocabSize: json.vocab_size,
    hiddenSize: json.d_model,
    intermediateSize: json.d_ff,
    blocks: json.num_layers + (json.num_decoder_layers ?? json.num_layers),
    encoderDecoder: {
      encoderBlocks: json.num_layers,
      startTokenId: json.decoder_start_token_id ?? json.pad_token_id ?? 0,
      gated,
      buckets,
      maxDistance,
    },
    attentionHeads: json.num_heads,
    keyValueHeads: json.num_heads,
    headDim: json.d_kv,
    activation,
    normEps: json.layer_norm_epsilon,
    rotaryDim: 0,
    ropeTheta: 0,
    ropeScaling: null,
    slidingWindow: null,
    biases: [],
    maxPositionEmbeddings: json.n_positions,
    bosTokenId: null,
    eosTokenId: firstEos(json.eos_token_id),
    // A head of its own goes with outputs that aren't scaled: so transformers has always told version 1.1 from 1.0.
    tieWordEmbeddings: json.scale_decoder_outputs ?? json.tie_word_embeddings,
    huggingFace,
  };
}

/** `relu`, or `gated-gelu`, whose gelu is the approximation by tanh. */
function readFeedForward(name: string, where: string) {
  const gated = name.startsWith("gated-");
  const activation = name === "gated-gelu" ? "gelu_new" : name.replace(/^gated-/, "");
  return { gated, activation: readActivation(activation, ["relu", "gelu", "geluTanh", "silu"], where) };
}
