import { type GgufKeys, type GgufMapping, inOrder } from "./family.js";

// What families with one linear for q, k and v have in common.

export const FEED_FORWARD = { ffn_up: "mlp.dense_h_to_4h", ffn_down: "mlp.dense_4h_to_h" };

export const INPUT_AND_MLP_NORM = { attn_norm: "input_layernorm", ffn_norm: "post_attention_layernorm" };

/** Names of BLOOM and Falcon. */
export const TRANSFORMER = {
  token_embd: "transformer.word_embeddings",
  output_norm: "transformer.ln_f",
  output: "lm_head",
  attn_qkv: "self_attention.query_key_value",
  attn_output: "self_attention.dense",
  ...FEED_FORWARD,
};

export function hasBias(file: GgufKeys): boolean {
  return file.shape("blk.0.attn_qkv.bias") !== undefined;
}

/**
 * The file has the queries of all heads, then all keys, then all values; Hugging Face the queries that share a key and a value, these
 * two, and so on.
 */
export function groupByGroup(heads: number, keyValueHeads: number): GgufMapping["restored"] {
  const queries = heads / keyValueHeads;
  return (name, tensor) => {
    if (!name.includes("query_key_value")) return tensor.data;
    const headDim = tensor.shape[0] / (heads + 2 * keyValueHeads);
    return inOrder(tensor, (row) => {
      const head = Math.floor(row / headDim);
      const group = Math.floor(head / (queries + 2));
      const within = head % (queries + 2);
      const places = [group * queries + within, heads + group, heads + keyValueHeads + group];
      return places[Math.max(0, within - queries + 1)] * headDim + (row % headDim);
    });
  };
}
