import { decoder } from "./decoder.js";
import { readDecoderConfig, readQwenWindow } from "./decoder-config.js";
import { K, Q, V } from "./decoder-names.js";

/** Qwen 2 and 2.5: LLaMA's form with biases at q, k and v (Yang et al. 2024, arXiv 2407.10671, section 2.2). */
export const qwen2 = decoder("qwen2", {
  readConfig: (huggingFace, where) => ({
    ...readDecoderConfig(huggingFace, where, { modelType: "qwen2", biases: [Q, K, V] }),
    ...readQwenWindow(huggingFace, where),
  }),
});
