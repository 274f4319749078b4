import * as tf from "@tensorflow/tfjs-core";
import type { BlockState, ModelConfig, Rope, TokenTree } from "../model.js";
import { rotaryTables, treeTables } from "../rotary.js";
import { type AttentionShape, causalAttention } from "./attention.js";
import { treeAttention } from "./tree-attention.js";

/** [sequences, tokens, heads * headDim] of queries; keys and values with their own number of heads. */
export type Attend = (q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => tf.Tensor3D;

/** The attention of block `index` over `tokens` tokens: causal, or where `tree` is given rows of that tree. */
export function attentionOver(config: ModelConfig, index: number, tokens: number, tree?: TokenTree): Attend {
  const { attentionHeads: heads, keyValueHeads, headDim, attentionSoftcap: softcap } = config;
  const { window, rope } = kindOf(config, index);
  const shape: AttentionShape = { heads, keyValueHeads, headDim, window, softcap };
  if (tree === undefined) {
    const tables = rotaryTables(rope, tokens);
    return (q, k, v) => causalAttention(scaledQueries(q, config), k, v, tables, shape);
  }
  const tables = treeTables(rope, tree, tokens);
  return (q, k, v) => treeAttention(scaledQueries(q, config), k, v, tables, tree, shape);
}

/** What block `index` sees, and how it rotates. */
function kindOf(config: ModelConfig, index: number): { window: number | null; rope: Rope } {
  const hasWindow = config.windowBlocks?.has(index) ?? true;
  return hasWindow
    ? { window: config.slidingWindow, rope: config.windowRope ?? config }
    : { window: null, rope: config };
}

/** Attention divides by the root of headDim: here is the rest. */
function scaledQueries(q: tf.Tensor3D, { headDim, queryScalar = headDim }: ModelConfig): tf.Tensor3D {
  return queryScalar === headDim ? q : tf.mul(q, Math.sqrt(headDim / queryScalar));
}

/** What attention has left for the linear after it. */
export function attentionOf({ attention }: BlockState): tf.Tensor3D {
  if (attention === undefined) throw new RangeError("the attention stage has not run");
  return attention;
}
