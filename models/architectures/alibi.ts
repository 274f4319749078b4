import * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig, TokenTree } from "../model.js";
import { type Attend, attentionOver } from "./attend.js";

/** What heads add to the scores, after their own scale, of keys at these positions of a sequence: [positions, heads] */
export type PositionBias = (positions: Float32Array) => Float32Array;

/**
 * A head's slope: what a position more adds (Press et al. 2022, arXiv 2108.12409, section 3). Beyond the largest power of two,
 * heads have every second slope of twice as many.
 * @returns [heads]
 */
export function alibiSlopes(heads: number): Float32Array {
  const whole = 2 ** Math.floor(Math.log2(heads));
  const base = Math.fround(2 ** (-8 / whole));
  const between = Math.fround(2 ** (-4 / whole));
  return Float32Array.from({ length: heads }, (_, head) =>
    head < whole ? base ** (head + 1) : between ** (2 * (head - whole) + 1),
  );
}

/** Positions times slopes: [positions, heads] */
export function alibi(positions: Float32Array, slopes: Float32Array): Float32Array {
  const heads = slopes.length;
  return Float32Array.from(
    { length: positions.length * heads },
    (_, i) => positions[Math.floor(i / heads)] * slopes[i % heads],
  );
}

/**
 * Attention with a bias by position in place of rotary embedding. As softmax knows differences alone, a key's own position says
 * as much as its distance, so the bias is a product like the rest of a score: keys get columns with the biases of the query
 * heads that share them, queries a one in the column of their head. Sums are rounded as if the bias were added last.
 */
export function biasedAttention(
  config: ModelConfig,
  index: number,
  tokens: number,
  tree: TokenTree | undefined,
  bias: PositionBias,
): Attend {
  const { attentionHeads: heads, keyValueHeads, headDim } = config;
  const group = heads / keyValueHeads;
  const wide = headDim + group;
  const attend = attentionOver({ ...config, headDim: wide, rotaryDim: 0 }, index, tokens, tree);
  const keyColumns = bias(Float32Array.from({ length: tokens }, (_, token) => positionOf(token, tree)));
  // Attention divides scores by the square root of the width that it sees.
  const queryColumns = Float32Array.from({ length: heads * group }, (_, i) =>
    Math.floor(i / group) % group === i % group ? Math.sqrt(wide) : 0,
  );
  return (q, k, v) => {
    const columns = (values: Float32Array, rows: number, of: number) =>
      tf.tile(tf.tensor4d(values, [1, rows, of, group]), [q.shape[0], tokens / rows, 1, 1]);
    const queries = widened(tf.mul(q, Math.sqrt(wide / headDim)), columns(queryColumns, 1, heads));
    const keys = widened(k, columns(keyColumns, tokens, keyValueHeads));
    const values = widened(v, columns(new Float32Array(keyValueHeads * group), 1, keyValueHeads));
    const attended = tf.reshape(attend(queries, keys, values), [q.shape[0], tokens, heads, wide]);
    return tf.reshape(tf.slice(attended, [0, 0, 0, 0], [-1, -1, -1, headDim]), q.shape);
  };
}

/** In a tree, of the token in its own sequence; padding after it has that of a first token. */
function positionOf(token: number, tree: TokenTree | undefined): number {
  return tree === undefined ? token : (tree.positions[token] ?? 0);
}

/** More columns for each head: [sequences, tokens, heads * headDim] -> [sequences, tokens, heads * (headDim + columns)] */
function widened(x: tf.Tensor3D, columns: tf.Tensor4D): tf.Tensor3D {
  const [sequences, tokens, width] = x.shape;
  const [, , heads, added] = columns.shape;
  const byHead = tf.reshape<tf.Rank.R4>(x, [sequences, tokens, heads, width / heads]);
  return tf.reshape(tf.concat([byHead, columns], 3), [sequences, tokens, width + heads * added]);
}
