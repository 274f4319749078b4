import { decoder } from "./decoder.js";
import { readDecoderConfig } from "./decoder-config.js";

/** LLaMA 1 to 3, Vicuna, SmolLM2 and others of their form (Touvron et al. 2023, arXiv 2302.13971). */
export const llama = decoder("llama", {
  readConfig: (huggingFace, where) => readDecoderConfig(huggingFace, where, { modelType: "llama" }),
});
