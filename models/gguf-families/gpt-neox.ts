import { commonKeys, type GgufFamily, renamed } from "./family.js";
import { FEED_FORWARD, groupByGroup, hasBias, INPUT_AND_MLP_NORM } from "./fused-queries.js";

/** GPT-NeoX and Pythia. */
export const gptNeox: GgufFamily = {
  name: "gptneox",
  mapping: (file) => {
    const common = commonKeys(file, "gpt_neox", "GPTNeoXForCausalLM");
    const heads = common.num_attention_heads;
    return {
      huggingFace: {
        ...common,
        attention_bias: hasBias(file),
        hidden_act: "gelu",
        intermediate_size: file.number("feed_forward_length"),
        layer_norm_eps: file.number("attention.layer_norm_epsilon"),
        max_position_embeddings: file.number("context_length"),
        rotary_emb_base: file.optional("rope.freq_base") ?? 10000,
        rotary_pct: file.number("rope.dimension_count") / (common.hidden_size / heads),
        use_parallel_residual: file.flag("use_parallel_residual") ?? true,
      },
      names: renamed(
        {
          token_embd: "gpt_neox.embed_in",
          output_norm: "gpt_neox.final_layer_norm",
          output: "embed_out",
          attn_qkv: "attention.query_key_value",
          attn_output: "attention.dense",
          ...INPUT_AND_MLP_NORM,
          ...FEED_FORWARD,
        },
        "gpt_neox.layers",
      ),
      restored: groupByGroup(heads, heads),
    };
  },
};
