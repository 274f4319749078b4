import * as tf from "@tensorflow/tfjs-core";
import { fusedOps } from "../../tensor/fused-ops.js";
import type { Weights } from "../model.js";

/** A weight that the caller must have loaded. @throws RangeError where it is missing: a mistake of the program. */
export function weightOf(weights: Weights, name: string): tf.Tensor {
  const weight = weights.get(name);
  if (weight === undefined) throw new RangeError(`weight ${name} is not loaded`);
  return weight;
}

/** Weights of linears that are kept as [in, out]. */
const inputMajor = new WeakSet<tf.Tensor>();

/**
 * A linear's weight [out, in] in the order in which products read it fastest, for those who use it many times: the same results
 * in up to a quarter less time. Only `linear` knows it. The weight is disposed.
 */
export function toInputMajor(weight: tf.Tensor): tf.Tensor {
  const transposed = tf.transpose(weight);
  weight.dispose();
  inputMajor.add(transposed);
  return transposed;
}

/** x W^T: [sequences, tokens, in] by [out, in] -> [sequences, tokens, out] */
export function linear(x: tf.Tensor3D, weight: tf.Tensor): tf.Tensor3D {
  const [sequences, tokens, columns] = x.shape;
  const rows = tf.reshape<tf.Rank.R2>(x, [sequences * tokens, columns]);
  const outputs = tf.matMul(rows, weight as tf.Tensor2D, false, !inputMajor.has(weight)) as tf.Tensor2D;
  return tf.reshape(outputs, [sequences, tokens, outputs.shape[1]]);
}

/**
 * x W^T for many more outputs than rows, as to a vocabulary: [rows, in] by [out, in] -> [rows, out]. TensorFlow multiplies a
 * large matrix with a few columns up to three times as fast as a few rows with a large matrix.
 */
export function projectToMany(x: tf.Tensor2D, weight: tf.Tensor): tf.Tensor2D {
  return tf.transpose(tf.matMul(weight as tf.Tensor2D, x, false, true));
}

/** x / sqrt(mean(x^2) + eps) * weight, over the last axis (Zhang & Sennrich 2019, arXiv 1910.07467). */
export function rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor, eps: number): T {
  const fused = fusedOps();
  if (fused !== undefined) return fused.rmsNorm(x, weight, eps);
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
  return tf.mul(tf.mul(x, scale), weight);
}

/** silu(gate) * up, elementwise (Shazeer 2020, arXiv 2002.05202). */
export function swiGlu(gate: tf.Tensor3D, up: tf.Tensor3D): tf.Tensor3D {
  return fusedOps()?.swiGlu(gate, up) ?? tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);
}
