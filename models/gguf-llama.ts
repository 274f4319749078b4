import { TouchstoneError } from "../study/errors.js";
import type { GgufEntry, GgufMetadata } from "./gguf-header.js";
import type { HostTensor } from "./model.js";
import { llama3Factors } from "./rotary.js";

/** How a GGUF file's names, rows and metadata translate to Hugging Face's. */
export interface GgufMapping {
  huggingFace: Readonly<Record<string, unknown>>;
  /** The Hugging Face name, or undefined for tensors that have none. */
  rename(name: string): string | undefined;
  /** Heads of a weight (by Hugging Face name) whose rows the file holds in rotary pairs. */
  heads(name: string): number | undefined;
}

const OUTER_NAMES: Readonly<Record<string, string>> = {
  "token_embd.weight": "model.embed_tokens.weight",
  "output_norm.weight": "model.norm.weight",
  "output.weight": "lm_head.weight",
};

const BLOCK_NAMES: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};

/**
 * The mapping of LLaMA files, as llama.cpp's converter writes them.
 * @param read the tensor of that name as the file has it
 * @throws TouchstoneError UnsupportedArchitecture, InvalidModel where metadata are missing
 */
export async function ggufMapping(
  metadata: GgufMetadata,
  entries: ReadonlyMap<string, GgufEntry>,
  read: (name: string) => Promise<HostTensor | undefined>,
  where: string,
): Promise<GgufMapping> {
  checkArchitecture(metadata, entries, where);
  const number = (key: string) => requiredNumber(metadata, key, where);
  const heads = number("llama.attention.head_count");
  const keyValueHeads = optionalNumber(metadata, "llama.attention.head_count_kv") ?? heads;
  const hiddenSize = number("llama.embedding_length");
  const headDim = optionalNumber(metadata, "llama.attention.key_length") ?? hiddenSize / heads;
  const ropeTheta = optionalNumber(metadata, "llama.rope.freq_base") ?? 10000;
  const factors = await read("rope_freqs.weight");
  const huggingFace = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    attention_bias: false,
    bos_token_id: optionalNumber(metadata, "tokenizer.ggml.bos_token_id") ?? null,
    eos_token_id: optionalNumber(metadata, "tokenizer.ggml.eos_token_id") ?? null,
    head_dim: headDim,
    hidden_act: "silu",
    hidden_size: hiddenSize,
    intermediate_size: number("llama.feed_forward_length"),
    max_position_embeddings: number("llama.context_length"),
    mlp_bias: false,
    num_attention_heads: heads,
    num_hidden_layers: number("llama.block_count"),
    num_key_value_heads: keyValueHeads,
    rms_norm_eps: number("llama.attention.layer_norm_rms_epsilon"),
    rope_scaling: factors === undefined ? null : ropeScaling(factors.data, headDim, ropeTheta, where),
    rope_theta: ropeTheta,
    tie_word_embeddings: !entries.has("output.weight"),
    vocab_size: entries.get("token_embd.weight")?.shape[0] ?? number("llama.vocab_size"),
  };
  return {
    huggingFace,
    rename: (name) => OUTER_NAMES[name] ?? renameInBlock(name),
    heads: (name) =>
      name.endsWith("q_proj.weight") ? heads : name.endsWith("k_proj.weight") ? keyValueHeads : undefined,
  };
}

/**
 * Rows of a q or k projection in Hugging Face's order, [out, in]. The file has each head's rows as rotary pairs
 * (0, d/2, 1, d/2 + 1, ...), Hugging Face first halves before second halves (`permute` in convert_hf_to_gguf.py).
 */
export function rotatedHeads({ shape, data }: HostTensor, heads: number): Float32Array {
  const [rows, columns] = shape;
  const half = rows / heads / 2;
  const ordered = new Float32Array(data.length);
  for (let head = 0; head < heads; head++) {
    const first = head * 2 * half;
    for (let i = 0; i < half; i++) {
      for (let part = 0; part < 2; part++) {
        const from = (first + 2 * i + part) * columns;
        ordered.set(data.subarray(from, from + columns), (first + part * half + i) * columns);
      }
    }
  }
  return ordered;
}

function renameInBlock(name: string): string | undefined {
  const match = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name);
  const renamed = match && BLOCK_NAMES[match[2]];
  return match && renamed ? `model.layers.${match[1]}.${renamed}.weight` : undefined;
}

function checkArchitecture(metadata: GgufMetadata, entries: ReadonlyMap<string, GgufEntry>, where: string): void {
  const architecture = metadata.get("general.architecture");
  const unsupported = (what: string) =>
    new TouchstoneError("UnsupportedArchitecture", {
      what,
      where,
      todo: "GGUF files of the llama architecture are read, without experts, with default or llama3 rotary scaling.",
    });
  if (architecture !== "llama") throw unsupported(`Architecture ${String(architecture)} is not supported`);
  if ((optionalNumber(metadata, "llama.expert_count") ?? 0) > 0) throw unsupported("Experts are not supported");
  if (["attn_q", "ffn_gate"].some((name) => entries.has(`blk.0.${name}.bias`)))
    throw unsupported("Linears with a bias are not supported");
  const scaling = metadata.get("llama.rope.scaling.type") ?? "none";
  if (scaling !== "none") throw unsupported(`Rotary scaling ${String(scaling)} is not supported`);
}

/**
 * The file has the factor of each frequency in place of the settings that gave it. All published models use the low and high
 * frequency factors 1 and 4 over 8192 positions, and the largest factor is the scaling's own: that is checked.
 */
function ropeScaling(factors: Float32Array, headDim: number, theta: number, where: string) {
  const factor = factors.reduce((a, b) => Math.max(a, b), 1);
  if (factor === 1) return null;
  const guess = { factor, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192 };
  const expected = llama3Factors(headDim, theta, guess);
  if (factors.length !== expected.length || expected.some((f, i) => Math.abs(f - factors[i]) > 1e-4 * f)) {
    throw new TouchstoneError("UnsupportedArchitecture", {
      what: "The rotary frequency factors are not those of llama3 scaling",
      where: `${where}, tensor rope_freqs.weight`,
      todo: "Use the model's Hugging Face folder.",
    });
  }
  return {
    rope_type: "llama3",
    factor,
    low_freq_factor: guess.lowFreqFactor,
    high_freq_factor: guess.highFreqFactor,
    original_max_position_embeddings: guess.originalMaxPositionEmbeddings,
  };
}

function optionalNumber(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata.get(key);
  return typeof value === "bigint" ? Number(value) : typeof value === "number" ? value : undefined;
}

function requiredNumber(metadata: GgufMetadata, key: string, where: string): number {
  const value = optionalNumber(metadata, key);
  if (value === undefined) {
    throw new TouchstoneError("InvalidModel", {
      what: `The metadata don't have ${key}, or it is no number`,
      where,
      todo: "Fetch the file again, or convert the model again.",
    });
  }
  return value;
}
