import * as tf from "@tensorflow/tfjs-core";
import { fusedOps } from "../../tensor/fused-ops.js";
import type { RotaryTables } from "../rotary.js";
import { softcapped } from "./layers.js";
import { rotate } from "./rotate.js";

export interface AttentionShape {
  heads: number;
  keyValueHeads: number;
  headDim: number;
  /** Tokens that one sees at most, itself among them; null: all before it. */
  window: number | null;
  /** Scores are bent to stay below it in size. */
  softcap?: number;
}

/** Queries that attend at once: bounds the memory of the scores, and skips most of those that the mask would drop. */
export const QUERY_ROWS = 256;

/**
 * Causal grouped-query attention with rotary embedding. Scores with a soft cap are TensorFlow's own operations everywhere, for
 * some queries at a time: memory grows with the tokens, not with their square.
 * @param q [sequences, tokens, heads * headDim]
 * @param k, v [sequences, tokens, keyValueHeads * headDim]
 * @returns [sequences, tokens, heads * headDim]
 */
export function causalAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  tables: RotaryTables,
  shape: AttentionShape,
): tf.Tensor3D {
  const { heads, keyValueHeads, headDim, window, softcap } = shape;
  const fused = softcap === undefined ? fusedOps() : undefined;
  if (fused !== undefined) return fused.attention(q, k, v, { ...tables, ...shape });
  const [sequences, tokens] = q.shape;
  const scale = headDim ** -0.5;
  const rotaryDim = tables.cos.length / tokens;
  const rotated = (x: tf.Tensor4D, times: number) =>
    rotate(x, tables, rotaryDim, times, (values) => tf.mul(tf.tensor2d(values, [tokens, rotaryDim]), times));
  const queries = rotated(splitHeads(q, heads), scale);
  const keys = rotated(splitHeads(k, keyValueHeads), 1);
  const values = splitHeads(v, keyValueHeads);
  const rows: tf.Tensor4D[] = [];
  for (let start = 0; start < tokens; start += QUERY_ROWS) {
    const size = Math.min(QUERY_ROWS, tokens - start);
    const mask = causalMask(start, size, window ?? tokens);
    rows.push(tf.tidy(() => attendRows(queries, keys, values, mask, start, softcap)));
  }
  const attended = rows.length === 1 ? rows[0] : tf.concat(rows, 2);
  return tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [sequences, tokens, heads * headDim]);
}

/** Queries `start .. start + size - 1` over the keys up to each of them. -> [sequences, heads, size, headDim] */
function attendRows(
  queries: tf.Tensor4D,
  keys: tf.Tensor4D,
  values: tf.Tensor4D,
  mask: tf.Tensor2D,
  start: number,
  softcap?: number,
): tf.Tensor4D {
  const [sequences, heads, tokens, headDim] = queries.shape;
  const keyValueHeads = keys.shape[1];
  const [size, seen] = mask.shape;
  const whole = size === tokens;
  const rows = whole ? queries : tf.slice(queries, [0, 0, start, 0], [-1, -1, size, -1]);
  const past = (x: tf.Tensor4D) => (seen === tokens ? x : tf.slice(x, [0, 0, 0, 0], [-1, -1, seen, -1]));
  // The query heads that share a key-value head stand together, so they are one matrix of more rows.
  const group = heads / keyValueHeads;
  const grouped = tf.reshape(rows, [sequences, keyValueHeads, group * size, headDim]);
  const scores = softcapped(tf.matMul(grouped, past(keys), false, true), softcap);
  const masked = tf.add(tf.reshape(scores, [sequences, heads, size, seen]), mask);
  const shares = tf.reshape(tf.softmax(masked), [sequences, keyValueHeads, group * size, seen]);
  return tf.reshape(tf.matMul(shares, past(values)), [sequences, heads, size, headDim]);
}

/** What queries start .. start + size - 1 see, themselves and those before: 0 where one sees key j, else -infinity, [size, start + size]. */
export function causalMask(start: number, size: number, window: number): tf.Tensor2D {
  const seen = start + size;
  const mask = new Float32Array(size * seen).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < size; i++) {
    const end = start + i + 1;
    mask.fill(0, i * seen + Math.max(0, end - window), i * seen + end);
  }
  return tf.tensor2d(mask, [size, seen]);
}

/** [sequences, tokens, heads * headDim] -> [sequences, heads, tokens, headDim] */
export function splitHeads(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [sequences, tokens, width] = x.shape;
  return tf.transpose(tf.reshape<tf.Rank.R4>(x, [sequences, tokens, heads, width / heads]), [0, 2, 1, 3]);
}
