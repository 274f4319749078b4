import { decoder } from "./decoder.js";
import { readDecoderConfig } from "./decoder-config.js";
import { qwenExpertNames, readQwenExperts } from "./experts-config.js";

/** Qwen 3 with experts (Yang et al. 2025, arXiv 2505.09388, section 2): Qwen 3's form, experts in some blocks or all. */
export const qwen3Moe = decoder("qwen3_moe", {
  readConfig: (huggingFace, where) => {
    const window = huggingFace.use_sliding_window === true ? huggingFace.sliding_window : null;
    const keys = { ...huggingFace, sliding_window: window, mlp_bias: false };
    return {
      ...readDecoderConfig(keys, where, { modelType: "qwen3_moe", window: true }),
      experts: readQwenExperts(huggingFace, where, null),
      huggingFace,
    };
  },
  headNorms: true,
  experts: qwenExpertNames({ shared: false }),
});
