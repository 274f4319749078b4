import * as tf from "@tensorflow/tfjs-core";
import { fusedOps } from "../../tensor/fused-ops.js";
import type { Activation, Weights } from "../model.js";

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

/**
 * Products of at least so many rows, and of multiples of it, give each row the same bits whatever their number. (Measured with
 * TensorFlow's on up to 11,008 columns: fewer than 48 rows, and rows that are left over, are added in another order. Its kernels
 * take 8 rows at a time with AVX-512 and 6 without, in blocks of multiples of 16.)
 */
const FEWEST_ROWS = 96;
const ROW_MULTIPLE = 48;

/** The rows that a product of `rows` has to have, so that each row's bits don't depend on their number. */
export function stableRows(rows: number): number {
  return Math.max(FEWEST_ROWS, Math.ceil(rows / ROW_MULTIPLE) * ROW_MULTIPLE);
}

/** x W^T: [sequences, tokens, in] by [out, in] -> [sequences, tokens, out] */
export function linear(x: tf.Tensor3D, weight: tf.Tensor): tf.Tensor3D {
  const [sequences, tokens, columns] = x.shape;
  const rows = tf.reshape<tf.Rank.R2>(x, [sequences * tokens, columns]);
  const outputs = tf.matMul(rows, weight as tf.Tensor2D, false, !inputMajor.has(weight)) as tf.Tensor2D;
  return tf.reshape(outputs, [sequences, tokens, outputs.shape[1]]);
}

/** x W^T + b, where the linear has a bias. @param name of its weight */
export function project(x: tf.Tensor3D, weights: Weights, name: string): tf.Tensor3D {
  const product = linear(x, weightOf(weights, name));
  const bias = weights.get(biasOf(name));
  return bias === undefined ? product : tf.add(product, bias);
}

/** `a.b.weight` -> `a.b.bias` */
export function biasOf(weight: string): string {
  return weight.replace(/weight$/, "bias");
}

/**
 * W x^T, for many more outputs than rows, as to a vocabulary: [rows, in] by [out, in] -> [out, rows]. TensorFlow multiplies a
 * large matrix with a few columns up to three times as fast as a few rows with a large matrix.
 */
export function projectToMany(x: tf.Tensor2D, weight: tf.Tensor): tf.Tensor2D {
  return tf.matMul(weight as tf.Tensor2D, x, false, true);
}

/** x / sqrt(mean(x^2) + eps) * weight, over the last axis (Zhang & Sennrich 2019, arXiv 1910.07467). */
export function rmsNorm<T extends tf.Tensor>(x: T, weight: tf.Tensor, eps: number): T {
  const fused = fusedOps();
  if (fused !== undefined) return fused.rmsNorm(x, weight, eps);
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
  return tf.mul(tf.mul(x, scale), weight);
}

/** (x - mean(x)) / sqrt(variance(x) + eps) * weight + bias, over the last axis (Ba et al. 2016, arXiv 1607.06450). */
export function layerNorm<T extends tf.Tensor>(x: T, weights: Weights, name: string, eps: number): T {
  const [weight, bias] = [weightOf(weights, name), weightOf(weights, biasOf(name))];
  const fused = fusedOps();
  if (fused !== undefined) return fused.layerNorm(x, weight, bias, eps);
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps));
  return tf.add(tf.mul(tf.mul(centred, scale), weight), bias);
}

/** act(gate) * up, elementwise (Shazeer 2020, arXiv 2002.05202). */
export function gated(gate: tf.Tensor3D, up: tf.Tensor3D, activation: Activation): tf.Tensor3D {
  const fused = activation === "silu" || activation === "geluTanh" ? fusedOps() : undefined;
  if (fused !== undefined) return fused.gate(gate, up, activation === "geluTanh");
  return tf.mul(activate(gate, activation), up);
}

/** cap * tanh(x / cap), or x where there is no cap (Gemma Team 2024, arXiv 2408.00118, section 2). */
export function softcapped<T extends tf.Tensor>(x: T, cap: number | undefined): T {
  return cap === undefined ? x : tf.mul(tf.tanh(tf.div(x, cap)), cap);
}

/** The activation of each value. */
export function activate(x: tf.Tensor3D, activation: Activation): tf.Tensor3D {
  switch (activation) {
    case "silu":
      return tf.mul(x, tf.sigmoid(x));
    case "geluTanh":
      // 1 + tanh(u) = 2 sigmoid(2u)
      return tf.mul(x, tf.sigmoid(tf.mul(tf.add(x, tf.mul(tf.pow(x, 3), 0.044715)), 2 * Math.sqrt(2 / Math.PI))));
    case "gelu":
      return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
    case "relu":
      return tf.relu(x);
  }
}
