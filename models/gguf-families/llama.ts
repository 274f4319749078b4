import { llama3Factors } from "../rotary.js";
import { expertCount, expertNames } from "./experts.js";
import { decoderKeys, decoderNames, type GgufFamily, type GgufKeys, inOrder, unsupported } from "./family.js";

/** LLaMA, Mistral and other models that only change weights; with experts it is Mixtral. */
export const llama: GgufFamily = {
  name: "llama",
  mapping: async (file) => {
    if (["attn_q", "ffn_gate"].some((name) => file.shape(`blk.0.${name}.bias`) !== undefined))
      throw unsupported("Linears with a bias are not supported in files of this architecture", file.where);
    const experts = expertCount(file);
    const keys = experts > 0 ? mixtralKeys(file, experts) : await llamaKeys(file);
    const names = decoderNames(experts > 0 ? { ffn_gate_inp: "block_sparse_moe.gate" } : {});
    const heads = (name: string) =>
      /q_proj\.weight$/.test(name)
        ? keys.num_attention_heads
        : /k_proj\.weight$/.test(name)
          ? keys.num_key_value_heads
          : undefined;
    return {
      huggingFace: keys,
      names: expertNames(experts, names, (block, expert, part) => {
        const linear = { gate: "w1", down: "w2", up: "w3" }[part];
        return `model.layers.${block}.block_sparse_moe.experts.${expert}.${linear}.weight`;
      }),
      restored: (name, tensor) => {
        const count = heads(name);
        return count === undefined ? tensor.data : inOrder(tensor, rotaryPairs(tensor.shape[0] / count));
      },
    };
  },
};

/**
 * The file has each head's rows of q and k as rotary pairs (0, d/2, 1, d/2 + 1, ...), Hugging Face first halves before second
 * halves (`permute` in convert_hf_to_gguf.py).
 */
function rotaryPairs(headDim: number): (row: number) => number {
  const half = headDim / 2;
  return (row) => {
    const within = row % headDim;
    return row - within + (within < half ? 2 * within : 2 * (within - half) + 1);
  };
}

async function llamaKeys(file: GgufKeys) {
  const keys = decoderKeys(file, "llama", "LlamaForCausalLM");
  const factors = await file.read("rope_freqs.weight");
  const scaling = factors && llama3Scaling(factors.data, keys.head_dim, keys.rope_theta, file.where);
  return { ...keys, attention_bias: false, mlp_bias: false, rope_scaling: scaling ?? keys.rope_scaling };
}

function mixtralKeys(file: GgufKeys, experts: number) {
  return {
    ...decoderKeys(file, "mixtral", "MixtralForCausalLM"),
    num_local_experts: experts,
    num_experts_per_tok: file.number("expert_used_count"),
  };
}

/**
 * The file has the factor of each frequency in place of the settings that gave it. All published models use the low and high
 * frequency factors 1 and 4 over 8192 positions, and the largest factor is the scaling's own: that is checked.
 */
function llama3Scaling(factors: Float32Array, headDim: number, theta: number, where: string) {
  const factor = factors.reduce((a, b) => Math.max(a, b), 1);
  if (factor === 1) return undefined;
  const guess = { factor, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192 };
  const expected = llama3Factors(headDim, theta, guess);
  if (factors.length !== expected.length || expected.some((f, i) => Math.abs(f - factors[i]) > 1e-4 * f))
    throw unsupported(
      "The rotary frequency factors are not those of llama3 scaling",
      `${where}, tensor rope_freqs.weight`,
    );
  return {
    rope_type: "llama3",
    factor,
    low_freq_factor: guess.lowFreqFactor,
    high_freq_factor: guess.highFreqFactor,
    original_max_position_embeddings: guess.originalMaxPositionEmbeddings,
  };
}
