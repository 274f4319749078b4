import { MOST_BLOCKS } from "../architectures/config-keys.js";
import { expertCount, expertNames } from "./experts.js";
import { decoderFamily, decoderKeys, decoderNames, type GgufKeys } from "./family.js";

/** Qwen 2 and 2.5. */
export const qwen2 = decoderFamily("qwen2", (file) => decoderKeys(file, "qwen2", "Qwen2ForCausalLM"));

export const qwen3 = decoderFamily("qwen3", (file) => decoderKeys(file, "qwen3", "Qwen3ForCausalLM"));

/** Qwen 1.5 and 2 with experts. */
export const qwen2Moe = decoderFamily(
  "qwen2moe",
  (file) => ({
    ...decoderKeys(file, "qwen2_moe", "Qwen2MoeForCausalLM"),
    ...mixtureKeys(file),
    shared_expert_intermediate_size: file.number("expert_shared_feed_forward_length"),
    norm_topk_prob: false,
  }),
  { names: qwenExperts },
);

export const qwen3Moe = decoderFamily(
  "qwen3moe",
  (file) => ({
    ...decoderKeys(file, "qwen3_moe", "Qwen3MoeForCausalLM"),
    ...mixtureKeys(file),
    norm_topk_prob: true,
  }),
  { names: qwenExperts },
);

/** Whether a token's shares are made to add up to 1 isn't in the files: it is the published models'. */
function mixtureKeys(file: GgufKeys) {
  return {
    num_experts: expertCount(file),
    num_experts_per_tok: file.number("expert_used_count"),
    moe_intermediate_size: file.number("expert_feed_forward_length"),
    mlp_only_layers: denseBlocks(file),
  };
}

/** Blocks with one feed-forward part, which have no router. */
function denseBlocks(file: GgufKeys): number[] {
  const blocks = Math.min(file.number("block_count"), MOST_BLOCKS);
  return Array.from({ length: blocks }, (_, index) => index).filter(
    (index) => file.shape(`blk.${index}.ffn_gate_inp.weight`) === undefined,
  );
}

function qwenExperts(file: GgufKeys) {
  const names = decoderNames({
    ffn_gate_inp: "mlp.gate",
    ffn_gate_inp_shexp: "mlp.shared_expert_gate",
    ffn_gate_shexp: "mlp.shared_expert.gate_proj",
    ffn_up_shexp: "mlp.shared_expert.up_proj",
    ffn_down_shexp: "mlp.shared_expert.down_proj",
  });
  return expertNames(
    expertCount(file),
    names,
    (block, expert, part) => `model.layers.${block}.mlp.experts.${expert}.${part}_proj.weight`,
  );
}
