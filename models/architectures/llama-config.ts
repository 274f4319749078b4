import { z } from "zod";
import { TouchstoneError } from "../../study/errors.js";
import type { Llama3RopeScaling, ModelConfig } from "../model.js";

const count = z.int().positive();
const tokenId = z.int().nonnegative();

const ropeSchema = z.object({
  rope_type: z.string().optional(),
  /** Older spelling of `rope_type`. */
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: count.optional(),
});
type Rope = z.output<typeof ropeSchema>;

/** Far above any model: a corrupt number would otherwise have its blocks listed one by one, for hours. */
const MOST_BLOCKS = 10_000;

/** Keys of `config.json` as transformers' LlamaConfig has them, with its defaults. */
const llamaSchema = z.object({
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count.max(MOST_BLOCKS),
  num_attention_heads: count,
  num_key_value_heads: count.nullish(),
  head_dim: count.nullish(),
  hidden_act: z.string().default("silu"),
  rms_norm_eps: z.number().positive().default(1e-6),
  /** Where the scaling stood before transformers 5, beside `rope_theta`. */
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  rope_theta: z.number().positive().optional(),
  max_position_embeddings: count.default(2048),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
});
type LlamaJson = z.output<typeof llamaSchema>;

/**
 * The configuration of a LLaMA model.
 * @throws TouchstoneError InvalidModel for missing or wrong keys, UnsupportedArchitecture for variants that aren't implemented
 */
export function readLlamaConfig(huggingFace: Readonly<Record<string, unknown>>, where: string): ModelConfig {
  const parsed = llamaSchema.safeParse(huggingFace);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue.message}`, `${where}, key ${issue.path.join(".")}`);
  }
  const json = parsed.data;
  checkVariant(json, where);
  const attentionHeads = json.num_attention_heads;
  const keyValueHeads = json.num_key_value_heads ?? attentionHeads;
  const headDim = json.head_dim ?? json.hidden_size / attentionHeads;
  if (attentionHeads % keyValueHeads !== 0) {
    throw invalid(`${attentionHeads} attention heads don't divide among ${keyValueHeads} key-value heads`, where);
  }
  if (!Number.isInteger(headDim / 2)) throw invalid(`A head of ${headDim} dimensions can't be rotated in pairs`, where);
  const rope = json.rope_parameters ?? json.rope_scaling ?? {};
  const { eos_token_id: eos } = json;
  return {
    modelType: "llama",
    vocabSize: json.vocab_size,
    hiddenSize: json.hidden_size,
    intermediateSize: json.intermediate_size,
    blocks: json.num_hidden_layers,
    attentionHeads,
    keyValueHeads,
    headDim,
    rmsNormEps: json.rms_norm_eps,
    ropeTheta: rope.rope_theta ?? json.rope_theta ?? 10000,
    ropeScaling: readRopeScaling(rope, where),
    maxPositionEmbeddings: json.max_position_embeddings,
    tieWordEmbeddings: json.tie_word_embeddings,
    bosTokenId: json.bos_token_id ?? null,
    eosTokenId: (Array.isArray(eos) ? eos[0] : eos) ?? null,
    huggingFace,
  };
}

function checkVariant(json: LlamaJson, where: string): void {
  const unsupported = (what: string, todo: string) => {
    throw new TouchstoneError("UnsupportedArchitecture", { what, where, todo });
  };
  if (json.hidden_act !== "silu") {
    unsupported(`Activation ${json.hidden_act} is not supported`, "LLaMA models with silu are.");
  }
  if (json.attention_bias || json.mlp_bias) {
    unsupported("Linears with a bias are not supported", "LLaMA models with attention_bias and mlp_bias false are.");
  }
}

function readRopeScaling(rope: Rope, where: string): Llama3RopeScaling | null {
  const type = rope.rope_type ?? rope.type ?? "default";
  if (type === "default") return null;
  if (type !== "llama3") {
    throw new TouchstoneError("UnsupportedArchitecture", {
      what: `Rotary scaling ${type} is not supported`,
      where,
      todo: "Models with default and llama3 are.",
    });
  }
  const { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } = rope;
  if (
    factor === undefined ||
    low_freq_factor === undefined ||
    high_freq_factor === undefined ||
    original_max_position_embeddings === undefined
  ) {
    throw invalid(
      "llama3 scaling needs factor, low_freq_factor, high_freq_factor and original_max_position_embeddings",
      where,
    );
  }
  return {
    factor,
    lowFreqFactor: low_freq_factor,
    highFreqFactor: high_freq_factor,
    originalMaxPositionEmbeddings: original_max_position_embeddings,
  };
}

function invalid(what: string, where: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", { what, where, todo: "Fetch the model's configuration again." });
}
