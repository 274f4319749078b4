/** Small models of every family with what sets it apart switched on; all linears have sides of whole 32. */
const sizes = {
  vocab_size: 40,
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
};

/** One block each of encoder and decoder. */
const t5 = {
  ...{ model_type: "t5", architectures: ["T5ForConditionalGeneration"], vocab_size: 40, is_encoder_decoder: true },
  ...{ d_model: 64, d_kv: 32, d_ff: 96, num_heads: 3, num_layers: 1, num_decoder_layers: 1 },
  ...{ relative_attention_num_buckets: 8, relative_attention_max_distance: 9, decoder_start_token_id: 0 },
};

const falcon = {
  ...{ model_type: "falcon", architectures: ["FalconForCausalLM"], vocab_size: 40, num_hidden_layers: 2 },
  ...{ hidden_size: 96, num_attention_heads: 3, ffn_hidden_size: 128 },
};

export const familyConfigs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  bloom: {
    ...{ model_type: "bloom", architectures: ["BloomForCausalLM"], vocab_size: 40 },
    ...{ n_embed: 96, n_head: 3, n_layer: 2 },
  },
  falcon,
  "falcon, two norms and key-value heads": {
    ...{
      ...falcon,
      num_attention_heads: 6,
      new_decoder_architecture: true,
      num_kv_heads: 2,
      tie_word_embeddings: false,
    },
  },
  "falcon, one part after the other, with ALiBi": {
    ...{ ...falcon, alibi: true, multi_query: false, parallel_attn: false, bias: true },
  },
  gemma: { model_type: "gemma", architectures: ["GemmaForCausalLM"], ...sizes, head_dim: 32, hidden_act: "gelu" },
  gemma2: {
    ...{ model_type: "gemma2", architectures: ["Gemma2ForCausalLM"], ...sizes, head_dim: 32, sliding_window: 5 },
    ...{ query_pre_attn_scalar: 24, attn_logit_softcapping: 2.5, final_logit_softcapping: 4.5 },
  },
  gemma3_text: {
    ...{ model_type: "gemma3_text", architectures: ["Gemma3ForCausalLM"], ...sizes, head_dim: 32, sliding_window: 5 },
    ...{ sliding_window_pattern: 2, query_pre_attn_scalar: 24, final_logit_softcapping: 4.5 },
    ...{ rope_scaling: { rope_type: "linear", factor: 4 }, rope_local_base_freq: 500 },
  },
  gpt_neox: { model_type: "gpt_neox", architectures: ["GPTNeoXForCausalLM"], ...sizes, rotary_pct: 0.5 },
  "gpt_neox, one part after the other": {
    ...{ model_type: "gpt_neox", architectures: ["GPTNeoXForCausalLM"], ...sizes, use_parallel_residual: false },
    ...{ attention_bias: false, rotary_emb_base: 500, tie_word_embeddings: true },
  },
  "llama with biases, and linear scaling": {
    ...{ model_type: "llama", architectures: ["LlamaForCausalLM"], ...sizes, attention_bias: true, mlp_bias: true },
    ...{ rope_scaling: { type: "linear", factor: 4 } },
  },
  mistral: { model_type: "mistral", architectures: ["MistralForCausalLM"], ...sizes, sliding_window: 5 },
  mixtral: {
    ...{ model_type: "mixtral", architectures: ["MixtralForCausalLM"], ...sizes, num_local_experts: 5 },
    ...{ sliding_window: 7 },
  },
  opt: {
    ...{ model_type: "opt", architectures: ["OPTForCausalLM"], vocab_size: 40, hidden_size: 64, ffn_dim: 96 },
    ...{ num_hidden_layers: 2, num_attention_heads: 4, max_position_embeddings: 64, word_embed_proj_dim: 64 },
  },
  phi3: {
    ...{ model_type: "phi3", architectures: ["Phi3ForCausalLM"], ...sizes, partial_rotary_factor: 0.5 },
    ...{ sliding_window: 9, tie_word_embeddings: true, pad_token_id: 0 },
  },
  qwen2: {
    ...{ model_type: "qwen2", architectures: ["Qwen2ForCausalLM"], ...sizes, tie_word_embeddings: true },
    ...{ use_sliding_window: true, sliding_window: 6, max_window_layers: 0 },
  },
  "qwen2 with a window in some blocks": {
    ...{ model_type: "qwen2", architectures: ["Qwen2ForCausalLM"], ...sizes },
    ...{ use_sliding_window: true, sliding_window: 6, max_window_layers: 1 },
  },
  "qwen2_moe, one block with experts": {
    ...{ model_type: "qwen2_moe", architectures: ["Qwen2MoeForCausalLM"], ...sizes, moe_intermediate_size: 32 },
    ...{ shared_expert_intermediate_size: 64, num_experts: 5, num_experts_per_tok: 2, mlp_only_layers: [0] },
  },
  qwen3: {
    ...{ model_type: "qwen3", architectures: ["Qwen3ForCausalLM"], ...sizes, head_dim: 32, attention_bias: true },
  },
  qwen3_moe: {
    ...{ model_type: "qwen3_moe", architectures: ["Qwen3MoeForCausalLM"], ...sizes, head_dim: 32, num_experts: 6 },
    ...{ moe_intermediate_size: 32, num_experts_per_tok: 3, norm_topk_prob: true },
  },
  t5,
  "t5 1.1, with gates and a head of its own": {
    ...{ ...t5, feed_forward_proj: "gated-gelu", tie_word_embeddings: false },
  },
};
