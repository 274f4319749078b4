import { z } from "zod";
import { count, parseKeys } from "./config-keys.js";
import { decoder } from "./decoder.js";
import { readDecoderConfig } from "./decoder-config.js";
import { checkedExperts } from "./experts-config.js";

const schema = z.object({ num_local_experts: count.default(8), num_experts_per_tok: count.default(2) });

/** Mixtral (Jiang et al. 2024, arXiv 2401.04088): Mistral's form with experts in every block. */
export const mixtral = decoder("mixtral", {
  readConfig: (huggingFace, where) => {
    const json = parseKeys(schema, huggingFace, where);
    const defaults = { rms_norm_eps: 1e-5, rope_theta: 1_000_000, num_key_value_heads: 8 };
    const keys = { ...defaults, ...huggingFace, attention_bias: false, mlp_bias: false };
    const config = readDecoderConfig(keys, where, { modelType: "mixtral", window: true });
    return {
      ...config,
      experts: checkedExperts(
        {
          count: json.num_local_experts,
          perToken: json.num_experts_per_tok,
          intermediateSize: config.intermediateSize,
          sharedIntermediateSize: null,
          normalized: true,
          blocks: Array<boolean>(config.blocks).fill(true),
        },
        where,
      ),
      huggingFace,
    };
  },
  experts: {
    router: "block_sparse_moe.gate.weight",
    expert: (index) => {
      const name = (linear: string) => `block_sparse_moe.experts.${index}.${linear}.weight`;
      return { gate: name("w1"), up: name("w3"), down: name("w2") };
    },
  },
});
