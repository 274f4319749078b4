import { decoderFamily, decoderKeys, decoderNames, type GgufKeys, type GgufMapping } from "./family.js";

/** The files' norms multiply by their weights, Hugging Face's by 1 + weight. */
const withoutOne: GgufMapping["restored"] = (name, { data }) =>
  name.endsWith("norm.weight") ? data.map((value) => value - 1) : data;

const NORMS = {
  post_attention_norm: "post_attention_layernorm",
  ffn_norm: "pre_feedforward_layernorm",
  post_ffw_norm: "post_feedforward_layernorm",
};

export const gemma = decoderFamily("gemma", (file) => gemmaKeys(file, "gemma", "GemmaForCausalLM"), {
  restored: withoutOne,
});

export const gemma2 = decoderFamily(
  "gemma2",
  (file) => ({
    ...windowKeys(file, "gemma2", "Gemma2ForCausalLM", 46),
    attn_logit_softcapping: file.optional("attn_logit_softcapping") ?? null,
  }),
  { names: () => decoderNames(NORMS), restored: withoutOne },
);

/** The text part. */
export const gemma3 = decoderFamily(
  "gemma3",
  (file) => ({
    ...windowKeys(file, "gemma3_text", "Gemma3ForCausalLM", 62),
    rope_theta: file.optional("rope.freq_base") ?? 1_000_000,
    rope_local_base_freq: file.optional("rope.freq_base_swa") ?? 10_000,
  }),
  { names: () => decoderNames(NORMS), restored: withoutOne },
);

function gemmaKeys(file: GgufKeys, modelType: string, architecture: string) {
  const activation = "gelu_pytorch_tanh";
  return {
    ...decoderKeys(file, modelType, architecture),
    ...{ hidden_act: activation, hidden_activation: activation },
  };
}

/**
 * What queries are divided by the root of isn't in the files: it is the size of a head, but in the largest model of each family the
 * model's size shared among the heads (llama.cpp tells it by its blocks too).
 */
function windowKeys(file: GgufKeys, modelType: string, architecture: string, blocksOfLargest: number) {
  const keys = gemmaKeys(file, modelType, architecture);
  const isLargest = keys.num_hidden_layers === blocksOfLargest;
  return {
    ...keys,
    query_pre_attn_scalar: isLargest ? keys.hidden_size / keys.num_attention_heads : keys.head_dim,
    sliding_window: file.number("attention.sliding_window"),
    final_logit_softcapping: file.optional("final_logit_softcapping") ?? null,
  };
}
