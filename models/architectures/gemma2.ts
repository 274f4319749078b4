import { decoder } from "./decoder.js";
import { readGemmaConfig } from "./gemma-config.js";

/**
 * Gemma 2 (Gemma Team 2024, arXiv 2408.00118, section 2): Gemma 1 with a window in every other block, soft caps of scores and
 * logits, and norms of what attention and the feed-forward part give.
 */
export const gemma2 = decoder("gemma2", {
  readConfig: (huggingFace, where) => {
    const keys = {
      attn_logit_softcapping: 50,
      final_logit_softcapping: 30,
      max_position_embeddings: 8192,
      ...huggingFace,
    };
    const config = readGemmaConfig(keys, where, "gemma2", (index) => index % 2 === 0);
    return { ...config, huggingFace };
  },
  outputNorms: true,
  offsetNorms: true,
  scaledEmbedding: true,
});
