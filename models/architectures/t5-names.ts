/** [buckets, heads]; stored in a stack's first block alone. */
export const POSITION_BIAS = "layer.0.SelfAttention.relative_attention_bias.weight";
/** After the encoder's last block. */
export const ENCODER_NORM = "final_layer_norm.weight";

/** Weights inside a block of an attention and the norm before it, as Hugging Face names them. */
export interface AttentionNames {
  norm: string;
  q: string;
  k: string;
  v: string;
  o: string;
}

export interface FeedForwardNames {
  norm: string;
  /** One, or the gate and what it gates. */
  into: readonly string[];
  out: string;
}

/** A block's parts in the order in which they run: the decoder's second attention is over what the encoder gives. */
export function blockNames(
  isEncoder: boolean,
  gated: boolean,
): { attentions: readonly AttentionNames[]; feedForward: FeedForwardNames } {
  const attentions = isEncoder
    ? [attention(0, "SelfAttention")]
    : [attention(0, "SelfAttention"), attention(1, "EncDecAttention")];
  const layer = `layer.${attentions.length}`;
  const linear = (name: string) => `${layer}.DenseReluDense.${name}.weight`;
  return {
    attentions,
    feedForward: {
      norm: `${layer}.layer_norm.weight`,
      into: (gated ? ["wi_0", "wi_1"] : ["wi"]).map(linear),
      out: linear("wo"),
    },
  };
}

function attention(layer: number, kind: string): AttentionNames {
  const linear = (name: string) => `layer.${layer}.${kind}.${name}.weight`;
  return { norm: `layer.${layer}.layer_norm.weight`, q: linear("q"), k: linear("k"), v: linear("v"), o: linear("o") };
}
