import { decoder } from "./decoder.js";
import { readDecoderConfig, readQwenWindow } from "./decoder-config.js";

/** Qwen 3: LLaMA's form with norms of each head's queries and keys (Yang et al. 2025, arXiv 2505.09388, section 2). */
export const qwen3 = decoder("qwen3", {
  readConfig: (huggingFace, where) => ({
    ...readDecoderConfig({ head_dim: 128, ...huggingFace }, where, { modelType: "qwen3" }),
    ...readQwenWindow(huggingFace, where),
    huggingFace,
  }),
  headNorms: true,
});
