import { decoder } from "./decoder.js";
import { readDecoderConfig } from "./decoder-config.js";

/** Phi-3: LLaMA's form with joined linears, and on demand a window (Abdin et al. 2024, arXiv 2404.14219, section 2). */
export const phi3 = decoder("phi3", {
  readConfig: (huggingFace, where) => {
    const keys = { rms_norm_eps: 1e-5, max_position_embeddings: 4096, ...huggingFace };
    return { ...readDecoderConfig(keys, where, { modelType: "phi3", window: true }), huggingFace };
  },
  joined: true,
});
