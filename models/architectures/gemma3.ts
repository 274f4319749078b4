import { z } from "zod";
import { count, parseKeys, readRope, ropeSchema, unsupported } from "./config-keys.js";
import { decoder } from "./decoder.js";
import { readGemmaConfig } from "./gemma-config.js";

const gemma3Schema = z.object({
  /** Of each type of block; in older configurations the keys after it. */
  rope_parameters: z
    .strictObject({ full_attention: ropeSchema.nullish(), sliding_attention: ropeSchema.nullish() })
    .nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_theta: z.number().positive().default(1_000_000),
  rope_local_base_freq: z.number().positive().default(10_000),
  /** The last of so many blocks sees all. */
  sliding_window_pattern: count.default(6),
  attn_logit_softcapping: z.number().nullish(),
});

/**
 * The text part of Gemma 3 (Gemma Team 2025, arXiv 2503.19786, section 2): Gemma 2 with norms of queries and keys for soft caps,
 * and five blocks with a window, which rotate in their own way, to one without.
 */
export const gemma3 = decoder("gemma3_text", {
  readConfig: (huggingFace, where) => {
    const json = parseKeys(gemma3Schema, huggingFace, where);
    // transformers reads the key and doesn't cap, others do: no published model has it.
    if (json.attn_logit_softcapping != null)
      throw unsupported("Of Gemma 3, soft caps in attention are not supported", where, "Models without them are.");
    const { full_attention, sliding_attention } = json.rope_parameters ?? { full_attention: json.rope_scaling };
    const keys = {
      ...{ vocab_size: 262_208, num_attention_heads: 8, max_position_embeddings: 131_072 },
      ...huggingFace,
      rope_parameters: { rope_theta: json.rope_theta, ...full_attention },
    };
    const isSliding = (index: number) => (index + 1) % json.sliding_window_pattern !== 0;
    const config = readGemmaConfig(keys, where, "gemma3_text", isSliding);
    const local = { rope_parameters: { rope_theta: json.rope_local_base_freq, ...sliding_attention } };
    return { ...config, windowRope: readRope(local, config.headDim, where), huggingFace };
  },
  headNorms: true,
  outputNorms: true,
  offsetNorms: true,
  scaledEmbedding: true,
});
