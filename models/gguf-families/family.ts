import { TouchstoneError } from "../../study/errors.js";
import type { GgufEntry, GgufMetadata } from "../gguf-header.js";
import type { HostTensor } from "../model.js";

/** How files of a family, as llama.cpp's converter writes them, translate to Hugging Face's names, rows and configuration. */
export interface GgufFamily {
  /** `general.architecture` */
  readonly name: string;
  /** @throws TouchstoneError InvalidModel where metadata are missing, UnsupportedArchitecture for variants that can't be read */
  mapping(file: GgufKeys): GgufMapping | Promise<GgufMapping>;
}

export interface GgufMapping {
  /** As a `config.json`. */
  huggingFace: Readonly<Record<string, unknown>>;
  /** The Hugging Face names of a tensor: none for one that has none there, several where it holds them along its first dimension. */
  names(name: string): readonly string[];
  /** A tensor's values as Hugging Face has them. @param name there */
  restored(name: string, tensor: HostTensor): Float32Array;
}

/** What a file says of itself; keys are the family's, without its name before them. */
export interface GgufKeys {
  readonly where: string;
  /** @throws TouchstoneError InvalidModel where it is not there, or no number */
  number(key: string): number;
  optional(key: string): number | undefined;
  text(key: string): string | undefined;
  flag(key: string): boolean | undefined;
  /** The id of a special token; null: it has none. */
  token(role: string): number | null;
  /** Of a tensor, by the file's name. */
  shape(name: string): readonly number[] | undefined;
  read(name: string): Promise<HostTensor | undefined>;
}

/** @param read the tensor of that name as the file has it */
export function ggufKeys(
  metadata: GgufMetadata,
  entries: ReadonlyMap<string, GgufEntry>,
  read: GgufKeys["read"],
  where: string,
): GgufKeys {
  const prefix = String(metadata.get("general.architecture"));
  const optional = (key: string) => numberOf(metadata.get(`${prefix}.${key}`));
  return {
    where,
    read,
    optional,
    number: (key) => {
      const value = optional(key);
      if (value !== undefined) return value;
      throw new TouchstoneError("InvalidModel", {
        what: `The metadata don't have ${prefix}.${key}, or it is no number`,
        where,
        todo: "Fetch the file again, or convert the model again.",
      });
    },
    text: (key) => {
      const value = metadata.get(`${prefix}.${key}`);
      return typeof value === "string" ? value : undefined;
    },
    flag: (key) => {
      const value = metadata.get(`${prefix}.${key}`);
      return typeof value === "boolean" ? value : undefined;
    },
    token: (role) => numberOf(metadata.get(`tokenizer.ggml.${role}_token_id`)) ?? null,
    shape: (name) => entries.get(name)?.shape,
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "bigint" ? Number(value) : typeof value === "number" ? value : undefined;
}

/** The keys of every family's `config.json`. */
export function commonKeys(file: GgufKeys, modelType: string, architecture: string) {
  return {
    architectures: [architecture],
    model_type: modelType,
    bos_token_id: file.token("bos"),
    eos_token_id: file.token("eos"),
    hidden_size: file.number("embedding_length"),
    num_attention_heads: file.number("attention.head_count"),
    num_hidden_layers: file.number("block_count"),
    tie_word_embeddings: file.shape("output.weight") === undefined,
    vocab_size: file.shape("token_embd.weight")?.[0] ?? file.number("vocab_size"),
  };
}

/** Those of families of LLaMA's form. */
export function decoderKeys(file: GgufKeys, modelType: string, architecture: string) {
  const common = commonKeys(file, modelType, architecture);
  const headDim = file.optional("attention.key_length") ?? common.hidden_size / common.num_attention_heads;
  const rotated = file.optional("rope.dimension_count") ?? headDim;
  return {
    ...common,
    head_dim: headDim,
    hidden_act: "silu",
    intermediate_size: file.number("feed_forward_length"),
    max_position_embeddings: file.number("context_length"),
    num_key_value_heads: file.optional("attention.head_count_kv") ?? common.num_attention_heads,
    rms_norm_eps: file.number("attention.layer_norm_rms_epsilon"),
    rope_scaling: linearScaling(file),
    rope_theta: file.optional("rope.freq_base") ?? 10000,
    ...(rotated === headDim ? {} : { partial_rotary_factor: rotated / headDim }),
  };
}

const ROPE_FACTORS = ["rope_factors_long.weight", "rope_factors_short.weight"];

function linearScaling(file: GgufKeys): { rope_type: "linear"; factor: number } | null {
  const type = file.text("rope.scaling.type") ?? "none";
  if (ROPE_FACTORS.some((name) => file.shape(name) !== undefined))
    throw unsupported("Rotary factors for long texts are not supported", file.where);
  if (type === "none") return null;
  if (type === "linear") return { rope_type: "linear", factor: file.number("rope.scaling.factor") };
  throw unsupported(`Rotary scaling ${type} is not supported`, file.where);
}

export function unsupported(what: string, where: string): TouchstoneError {
  return new TouchstoneError("UnsupportedArchitecture", { what, where, todo: "Use the model's Hugging Face folder." });
}

const DECODER_NAMES: Readonly<Record<string, string>> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  attn_output: "self_attn.o_proj",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/** Names of families of LLaMA's form. @param own names where they differ, those of a block without what is before them */
export function decoderNames(own: Readonly<Record<string, string>> = {}): GgufMapping["names"] {
  return renamed({ ...DECODER_NAMES, ...own }, "model.layers");
}

/** A family of LLaMA's form, in most files with its names and rows. */
export function decoderFamily(
  name: string,
  huggingFace: (file: GgufKeys) => GgufMapping["huggingFace"],
  {
    names = () => decoderNames(),
    restored = (_, { data }) => data,
  }: { names?: (file: GgufKeys) => GgufMapping["names"]; restored?: GgufMapping["restored"] } = {},
): GgufFamily {
  return { name, mapping: (file) => ({ huggingFace: huggingFace(file), names: names(file), restored }) };
}

/** @param blocks what comes before a block's number */
export function renamed(names: Readonly<Record<string, string>>, blocks: string): GgufMapping["names"] {
  return (name) => {
    const [, block, part, kind] = /^(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
    if (part === undefined || !Object.hasOwn(names, part)) return [];
    return [`${block === undefined ? "" : `${blocks}.${block}.`}${names[part]}.${kind}`];
  };
}

/** The rows of a weight, or the values of a bias, in another order. @param sourceOf the row that comes to stand at a place */
export function inOrder({ shape, data }: HostTensor, sourceOf: (row: number) => number): Float32Array {
  const width = data.length / shape[0];
  const ordered = new Float32Array(data.length);
  for (let row = 0; row < shape[0]; row++) {
    const from = sourceOf(row) * width;
    ordered.set(data.subarray(from, from + width), row * width);
  }
  return ordered;
}
