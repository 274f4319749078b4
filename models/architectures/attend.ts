import type * as tf from "@tensorflow/tfjs-core";
import type { BlockState, ModelConfig, TokenTree } from "../model.js";
import { rotaryTables, treeTables } from "../rotary.js";
import { type AttentionShape, causalAttention } from "./attention.js";
import { treeAttention } from "./tree-attention.js";

/** [sequences, tokens, heads * headDim] of queries; keys and values with their own number of heads. */
export type Attend = (q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => tf.Tensor3D;

/** The attention of a block over `tokens` tokens: causal, or where `tree` is given rows of that tree. */
export function attentionOver(config: ModelConfig, tokens: number, tree?: TokenTree): Attend {
  const { attentionHeads: heads, keyValueHeads, headDim, slidingWindow: window } = config;
  const shape: AttentionShape = { heads, keyValueHeads, headDim, window };
  if (tree === undefined) {
    const tables = rotaryTables(config, tokens);
    return (q, k, v) => causalAttention(q, k, v, tables, shape);
  }
  const tables = treeTables(config, tree, tokens);
  return (q, k, v) => treeAttention(q, k, v, tables, tree, shape);
}

/** What attention has left for the linear after it. */
export function attentionOf({ attention }: BlockState): tf.Tensor3D {
  if (attention === undefined) throw new RangeError("the attention stage has not run");
  return attention;
}
