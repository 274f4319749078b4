import { z } from "zod";
import { TouchstoneError } from "../../study/errors.js";
import type { Activation, RopeScaling } from "../model.js";

// What the families' `config.json` files have in common.

export const count = z.int().positive();
export const tokenId = z.int().nonnegative();
export const eosKey = z.union([tokenId, z.array(tokenId)]).nullish();

export const ropeSchema = z.object({
  rope_type: z.string().optional(),
  /** Older spelling of `rope_type`. */
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  partial_rotary_factor: z.number().positive().max(1).optional(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: count.optional(),
});

/** Far above any model: a corrupt number would otherwise have its blocks listed one by one, for hours. */
export const MOST_BLOCKS = 10_000;
export const blockCount = count.max(MOST_BLOCKS);

/** Keys of every family. */
export const commonKeys = {
  vocab_size: count,
  hidden_size: count,
  num_hidden_layers: blockCount,
  num_attention_heads: count,
  bos_token_id: tokenId.nullish(),
  eos_token_id: eosKey,
};

/** Keys of families that rotate queries and keys. */
export const ropeKeys = {
  /** Where the scaling stood before transformers 5, beside `rope_theta`. */
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  rope_theta: z.number().positive().optional(),
  partial_rotary_factor: z.number().positive().max(1).optional(),
};
type RopeKeys = z.output<z.ZodObject<typeof ropeKeys>>;

/** @throws TouchstoneError InvalidModel naming the first key that is missing or wrong */
export function parseKeys<T extends z.ZodType>(
  schema: T,
  huggingFace: Readonly<Record<string, unknown>>,
  where: string,
): z.output<T> {
  const parsed = schema.safeParse(huggingFace);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalidConfig(issue.message, `${where}, key ${issue.path.join(".")}`);
}

/** What those keys say. */
export function commonConfig(json: z.output<z.ZodObject<typeof commonKeys>>) {
  const { bos_token_id: bos, eos_token_id: eos } = json;
  return {
    vocabSize: json.vocab_size,
    hiddenSize: json.hidden_size,
    blocks: json.num_hidden_layers,
    attentionHeads: json.num_attention_heads,
    bosTokenId: bos ?? null,
    eosTokenId: firstEos(eos),
  };
}

export function firstEos(eos: z.output<typeof eosKey>): number | null {
  return (Array.isArray(eos) ? eos[0] : eos) ?? null;
}

/** @throws TouchstoneError InvalidModel where attention heads don't divide among key-value heads */
export function checkHeadGroups(attentionHeads: number, keyValueHeads: number, where: string): void {
  if (attentionHeads % keyValueHeads === 0) return;
  throw invalidConfig(`${attentionHeads} attention heads don't divide among ${keyValueHeads} key-value heads`, where);
}

/** @throws TouchstoneError InvalidModel where heads don't divide the hidden size */
export function headSize(json: { hidden_size: number; num_attention_heads: number }, where: string): number {
  const size = json.hidden_size / json.num_attention_heads;
  if (Number.isInteger(size)) return size;
  throw invalidConfig(
    `A hidden size of ${json.hidden_size} doesn't divide among ${json.num_attention_heads} heads`,
    where,
  );
}

/**
 * How heads of `headDim` are rotated.
 * @throws TouchstoneError InvalidModel, or UnsupportedArchitecture for scalings other than linear and llama3
 */
export function readRope(json: RopeKeys, headDim: number, where: string) {
  const rope = json.rope_parameters ?? json.rope_scaling ?? {};
  const share = rope.partial_rotary_factor ?? json.partial_rotary_factor ?? 1;
  const rotaryDim = Math.floor(headDim * share);
  if (!Number.isInteger(rotaryDim / 2))
    throw invalidConfig(`${rotaryDim} of a head's ${headDim} dimensions can't be rotated in pairs`, where);
  return {
    rotaryDim,
    ropeTheta: rope.rope_theta ?? json.rope_theta ?? 10000,
    ropeScaling: readRopeScaling(rope, where),
  };
}

function readRopeScaling(rope: z.output<typeof ropeSchema>, where: string): RopeScaling | null {
  const type = rope.rope_type ?? rope.type ?? "default";
  const { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } = rope;
  if (type === "default") return null;
  if (type === "linear") {
    if (factor === undefined) throw invalidConfig("linear scaling needs factor", where);
    return { type, factor };
  }
  if (type !== "llama3")
    throw unsupported(`Rotary scaling ${type} is not supported`, where, "Models with default, linear and llama3 are.");
  if (
    factor === undefined ||
    low_freq_factor === undefined ||
    high_freq_factor === undefined ||
    original_max_position_embeddings === undefined
  ) {
    throw invalidConfig(
      "llama3 scaling needs factor, low_freq_factor, high_freq_factor and original_max_position_embeddings",
      where,
    );
  }
  return {
    type,
    factor,
    lowFreqFactor: low_freq_factor,
    highFreqFactor: high_freq_factor,
    originalMaxPositionEmbeddings: original_max_position_embeddings,
  };
}

/** By their names in transformers. */
const activations: Readonly<Record<string, Activation>> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu",
  gelu_new: "geluTanh",
  gelu_fast: "geluTanh",
  gelu_pytorch_tanh: "geluTanh",
  relu: "relu",
};

/** @throws TouchstoneError UnsupportedArchitecture where it is none of `known` */
export function readActivation<A extends Activation>(name: string, known: readonly A[], where: string): A {
  const found = known.find((each) => each === activations[name]);
  if (found !== undefined) return found;
  const names = Object.keys(activations).filter((each) => known.some((one) => one === activations[each]));
  throw unsupported(
    `Activation ${name} is not supported`,
    where,
    `Of this family, models with ${names.join(", ")} are.`,
  );
}

export function invalidConfig(what: string, where: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", { what, where, todo: "Fetch the model's configuration again." });
}

export function unsupported(what: string, where: string, todo: string): TouchstoneError {
  return new TouchstoneError("UnsupportedArchitecture", { what, where, todo });
}
