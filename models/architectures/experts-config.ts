import { z } from "zod";
import type { ExpertsConfig } from "../model.js";
import { count, invalidConfig, parseKeys } from "./config-keys.js";
import type { ExpertNames, FeedForwardNames } from "./experts.js";

/** @throws TouchstoneError InvalidModel where there are fewer experts than a token is routed to */
export function checkedExperts(experts: ExpertsConfig, where: string): ExpertsConfig {
  if (experts.perToken <= experts.count) return experts;
  throw invalidConfig(`Tokens can't be routed to ${experts.perToken} of ${experts.count} experts`, where);
}

const qwenSchema = z.object({
  num_hidden_layers: count,
  num_experts: count.optional(),
  /** As transformers writes `num_experts` since its version 5, in some families. */
  num_local_experts: count.optional(),
  num_experts_per_tok: count,
  moe_intermediate_size: count,
  norm_topk_prob: z.boolean().default(false),
  decoder_sparse_step: count.default(1),
  mlp_only_layers: z.array(z.int().nonnegative()).nullish(),
});

/**
 * The experts of Qwen's families: in every `decoder_sparse_step`-th block that is none of `mlp_only_layers`.
 * @throws TouchstoneError InvalidModel for missing or wrong keys
 */
export function readQwenExperts(
  huggingFace: Readonly<Record<string, unknown>>,
  where: string,
  sharedIntermediateSize: number | null,
): ExpertsConfig {
  const json = parseKeys(qwenSchema, huggingFace, where);
  const experts = json.num_experts ?? json.num_local_experts;
  if (experts === undefined)
    throw invalidConfig("It doesn't say how many experts there are", `${where}, key num_experts`);
  const dense = new Set(json.mlp_only_layers);
  return checkedExperts(
    {
      count: experts,
      perToken: json.num_experts_per_tok,
      intermediateSize: json.moe_intermediate_size,
      sharedIntermediateSize,
      normalized: json.norm_topk_prob,
      blocks: Array.from(
        { length: json.num_hidden_layers },
        (_, index) => !dense.has(index) && (index + 1) % json.decoder_sparse_step === 0,
      ),
    },
    where,
  );
}

/** The weights of Qwen's experts, and `shared` of their families that have one. */
export function qwenExpertNames({ shared }: { shared: boolean }): ExpertNames {
  const linears = (part: string): FeedForwardNames => {
    const name = (linear: string) => `mlp.${part}.${linear}_proj.weight`;
    return { gate: name("gate"), up: name("up"), down: name("down") };
  };
  return {
    router: "mlp.gate.weight",
    expert: (index) => linears(`experts.${index}`),
    shared: shared ? { ...linears("shared_expert"), shareGate: "mlp.shared_expert_gate.weight" } : undefined,
  };
}
