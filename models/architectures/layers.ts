import * as tf from "@tensorflow/tfjs-core";
import type { Weights } from "../model.js";

/** A weight that the caller must have loaded. @throws RangeError where it is missing: a mistake of the program. */
export function weightOf(weights: Weights, name: string): tf.Tensor {
  const weight = weights.get(name);
  if (weight === undefined) throw new RangeError(`weight ${name} is not loaded`);
  return weight;
}

/** x W^T: [sequences, tokens, in] by [out, in] -> [sequences, tokens, out] */
export function linear(x: tf.Tensor3D, weight: tf.Tensor): tf.Tensor3D {
  const [sequences, tokens, columns] = x.shape;
  const rows = tf.reshape<tf.Rank.R2>(x, [sequences * tokens, columns]);
  return tf.reshape(tf.matMul(rows, weight as tf.Tensor2D, false, true), [sequences, tokens, weight.shape[0]]);
}

/** x / sqrt(mean(x^2) + eps) * weight, over the last axis (Zhang & Sennrich 2019, arXiv 1910.07467). */
export function rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor, eps: number): T {
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
  return tf.mul(tf.mul(x, scale), weight);
}

/** silu(gate) * up, elementwise (Shazeer 2020, arXiv 2002.05202). */
export function swiGlu(gate: tf.Tensor3D, up: tf.Tensor3D): tf.Tensor3D {
  return tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);
}
