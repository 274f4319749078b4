import { z } from "zod";
import { count, parseKeys, unsupported } from "./config-keys.js";
import { decoder } from "./decoder.js";
import { readDecoderConfig } from "./decoder-config.js";
import { K, Q, V } from "./decoder-names.js";
import { qwenExpertNames, readQwenExperts } from "./experts-config.js";

const schema = z.object({
  qkv_bias: z.boolean().default(true),
  use_sliding_window: z.boolean().default(false),
  shared_expert_intermediate_size: count,
});

/**
 * Qwen 1.5 and 2 with experts (Yang et al. 2024, arXiv 2407.10671, section 2.2.2): Qwen 2's form, experts in some blocks or all,
 * and beside them one that every token goes through.
 */
export const qwen2Moe = decoder("qwen2_moe", {
  readConfig: (huggingFace, where) => {
    const json = parseKeys(schema, huggingFace, where);
    if (json.use_sliding_window) {
      throw unsupported(
        "A sliding window is not supported with this family's experts",
        `${where}, key use_sliding_window`,
        "The published models have none.",
      );
    }
    // Without a window transformers writes its size as 0.
    const keys = { ...huggingFace, sliding_window: null, attention_bias: false, mlp_bias: false };
    return {
      ...readDecoderConfig(keys, where, { modelType: "qwen2_moe", biases: json.qkv_bias ? [Q, K, V] : [] }),
      experts: readQwenExperts(huggingFace, where, json.shared_expert_intermediate_size),
      huggingFace,
    };
  },
  experts: qwenExpertNames({ shared: true }),
});
