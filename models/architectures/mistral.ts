import { decoder } from "./decoder.js";
import { readDecoderConfig } from "./decoder-config.js";

/** Mistral 7B: LLaMA's form with attention in a sliding window (Jiang et al. 2023, arXiv 2310.06825, section 2). */
export const mistral = decoder("mistral", {
  readConfig: (huggingFace, where) => readDecoderConfig(huggingFace, where, { modelType: "mistral", window: true }),
});
