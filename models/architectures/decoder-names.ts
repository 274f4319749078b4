/** Weights inside a block of LLaMA's form, as Hugging Face names them. */
export const INPUT_NORM = "input_layernorm.weight";
export const Q = "self_attn.q_proj.weight";
export const K = "self_attn.k_proj.weight";
export const V = "self_attn.v_proj.weight";
export const Q_NORM = "self_attn.q_norm.weight";
export const K_NORM = "self_attn.k_norm.weight";
export const O = "self_attn.o_proj.weight";
export const MLP_NORM = "post_attention_layernorm.weight";
export const GATE = "mlp.gate_proj.weight";
export const UP = "mlp.up_proj.weight";
export const DOWN = "mlp.down_proj.weight";
/** Where what attention and the feed-forward part give is normalized too. */
export const ATTENTION_OUTPUT_NORM = "post_attention_layernorm.weight";
export const MLP_INPUT_NORM = "pre_feedforward_layernorm.weight";
export const MLP_OUTPUT_NORM = "post_feedforward_layernorm.weight";
/** Where q, k and v are one linear, and gate and up another. */
export const QKV = "self_attn.qkv_proj.weight";
export const GATE_UP = "mlp.gate_up_proj.weight";
