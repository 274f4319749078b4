import * as tf from "@tensorflow/tfjs-core";
import { causalMask, QUERY_ROWS, splitHeads } from "./attention.js";

/** What is added to the scores of queries start .. start + size - 1 with keys 0 .. keys - 1: [heads, size, keys] */
export type ScoreBias = (start: number, size: number, keys: number) => tf.Tensor3D;

/**
 * Attention whose scores are plain products, neither scaled nor rotated, and biases. Of TensorFlow's own operations, for some
 * queries at a time: memory grows with the tokens, not with their square.
 * @param q [sequences, queries, heads * headDim]
 * @param k, v [sequences, keys, heads * headDim]
 * @param causal whether queries, which are the keys' own tokens, see those before them alone
 * @returns [sequences, queries, heads * headDim]
 */
export function biasedScoresAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  { heads, causal, bias }: { heads: number; causal: boolean; bias?: ScoreBias },
): tf.Tensor3D {
  const [queries, keys, values] = [q, k, v].map((x) => splitHeads(x, heads));
  const count = q.shape[1];
  const rows: tf.Tensor4D[] = [];
  for (let start = 0; start < count; start += QUERY_ROWS) {
    const size = Math.min(QUERY_ROWS, count - start);
    const seen = causal ? start + size : k.shape[1];
    const attended = tf.tidy(() => {
      const first = (x: tf.Tensor4D) => tf.slice(x, [0, 0, 0, 0], [-1, -1, seen, -1]);
      const products = tf.matMul(tf.slice(queries, [0, 0, start, 0], [-1, -1, size, -1]), first(keys), false, true);
      const scores = bias === undefined ? products : tf.add(products, bias(start, size, seen));
      const masked = causal ? tf.add(scores, causalMask(start, size, seen)) : scores;
      return tf.matMul(tf.softmax(masked), first(values)) as tf.Tensor4D;
    });
    rows.push(attended);
  }
  const attended = rows.length === 1 ? rows[0] : tf.concat(rows, 2);
  return tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), q.shape);
}
