import { z } from "zod";
import type { ModelConfig } from "../model.js";
import { count, parseKeys, unsupported } from "./config-keys.js";
import { readDecoderConfig } from "./decoder-config.js";
import { readWindows } from "./windows.js";

/** Keys that Gemma 2 and 3 have besides LLaMA's. */
const gemmaSchema = z.object({
  hidden_activation: z.string().default("gelu_pytorch_tanh"),
  query_pre_attn_scalar: z.number().positive().default(256),
  sliding_window: count.default(4096),
  attn_logit_softcapping: z.number().positive().nullish(),
  final_logit_softcapping: z.number().positive().nullish(),
  use_bidirectional_attention: z.boolean().nullish(),
});

/**
 * The configuration of Gemma 2 or 3, with what both have in common as defaults.
 * @param isSliding whether a block has the window where the configuration has no `layer_types`
 * @throws TouchstoneError InvalidModel, UnsupportedArchitecture
 */
export function readGemmaConfig(
  huggingFace: Readonly<Record<string, unknown>>,
  where: string,
  modelType: string,
  isSliding: (index: number) => boolean,
): ModelConfig {
  const json = parseKeys(gemmaSchema, huggingFace, where);
  if (json.use_bidirectional_attention)
    throw unsupported("Attention to later tokens is not supported", where, "Gemma models that generate text are.");
  const given = { head_dim: 256, num_key_value_heads: 4, ...huggingFace, hidden_act: json.hidden_activation };
  return {
    ...readDecoderConfig(given, where, { modelType, tied: true }),
    ...readWindows(huggingFace, json.sliding_window, isSliding, where),
    queryScalar: json.query_pre_attn_scalar,
    attentionSoftcap: json.attn_logit_softcapping ?? undefined,
    logitSoftcap: json.final_logit_softcapping ?? undefined,
  };
}
