import * as tf from "@tensorflow/tfjs-core";
import type { Layer } from "./method.js";

/** tr((W - Q) H (W - Q)^T): the layer's squared output error on its calibration inputs, in the units of H. */
export function solveError({ weight, rows, columns }: Layer, compressed: Float32Array, hessian: Float32Array): number {
  return tf.tidy(() => {
    const difference = tf.sub<tf.Tensor2D>(
      tf.tensor2d(weight, [rows, columns]),
      tf.tensor2d(compressed, [rows, columns]),
    );
    const product = tf.matMul(difference, tf.tensor2d(hessian, [columns, columns]));
    return tf.sum(tf.mul(product, difference)).dataSync()[0];
  });
}
