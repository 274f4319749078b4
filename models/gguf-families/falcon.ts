import { commonKeys, type GgufFamily, renamed } from "./family.js";
import { groupByGroup, hasBias, INPUT_AND_MLP_NORM, TRANSFORMER } from "./fused-queries.js";

/** Without Falcon-RW, which llama.cpp doesn't have. */
export const falcon: GgufFamily = {
  name: "falcon",
  mapping: (file) => {
    const common = commonKeys(file, "falcon", "FalconForCausalLM");
    const keyValueHeads = file.optional("attention.head_count_kv") ?? 1;
    const hasTwoNorms = file.shape("blk.0.attn_norm_2.weight") !== undefined;
    const norms = hasTwoNorms ? { attn_norm: "ln_mlp", attn_norm_2: "ln_attn" } : INPUT_AND_MLP_NORM;
    return {
      huggingFace: {
        ...common,
        ...{ alibi: false, bias: hasBias(file), multi_query: keyValueHeads === 1, parallel_attn: true },
        // The converter writes four times the model's size here, whatever the weights are.
        ffn_hidden_size: file.shape("blk.0.ffn_up.weight")?.[0] ?? file.number("feed_forward_length"),
        layer_norm_epsilon: file.number("attention.layer_norm_epsilon"),
        max_position_embeddings: file.number("context_length"),
        new_decoder_architecture: keyValueHeads > 1,
        num_kv_heads: keyValueHeads,
        num_ln_in_parallel_attn: hasTwoNorms ? 2 : 1,
        rope_theta: file.optional("rope.freq_base") ?? 10000,
      },
      names: renamed({ ...TRANSFORMER, ...norms }, "transformer.h"),
      restored: groupByGroup(common.num_attention_heads, keyValueHeads),
    };
  },
};
