import { commonKeys, type GgufFamily, renamed } from "./family.js";
import { groupByGroup, INPUT_AND_MLP_NORM, TRANSFORMER } from "./fused-queries.js";

export const bloom: GgufFamily = {
  name: "bloom",
  mapping: (file) => {
    const common = commonKeys(file, "bloom", "BloomForCausalLM");
    const heads = common.num_attention_heads;
    return {
      huggingFace: {
        ...common,
        layer_norm_epsilon: file.number("attention.layer_norm_epsilon"),
        seq_length: file.number("context_length"),
      },
      names: renamed(
        { ...TRANSFORMER, token_embd_norm: "transformer.word_embeddings_layernorm", ...INPUT_AND_MLP_NORM },
        "transformer.h",
      ),
      restored: groupByGroup(heads, heads),
    };
  },
};
