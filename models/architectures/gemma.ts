import { decoder } from "./decoder.js";
import { readDecoderConfig } from "./decoder-config.js";

/**
 * Gemma 1 (Gemma Team 2024, arXiv 2403.08295, section 2): LLaMA's form with scaled embeddings, norms about 1, and gelu. The
 * published configurations say `gelu` where the models were trained with its approximation by tanh.
 */
export const gemma = decoder("gemma", {
  readConfig: (huggingFace, where) => {
    const { hidden_activation, hidden_act } = huggingFace;
    const activation = hidden_activation ?? hidden_act ?? "gelu";
    const keys = {
      head_dim: 256,
      ...huggingFace,
      hidden_act: activation === "gelu" ? "gelu_pytorch_tanh" : activation,
    };
    return { ...readDecoderConfig(keys, where, { modelType: "gemma", tied: true }), huggingFace };
  },
  offsetNorms: true,
  scaledEmbedding: true,
});
