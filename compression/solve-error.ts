import * as tf from "@tensorflow/tfjs-core";
import { takeValues } from "../tensor/linear-algebra.js";
import type { Layer } from "./method.js";

/** tr((W-Q) H (W-Q)^T): the layer's squared output error on its calibration inputs, in the units of H. Summed in float64. */
export function solveError({ weight, rows, columns }: Layer, compressed: Float32Array, hessian: Float32Array): number {
  const difference = new Float32Array(weight.length);
  for (let i = 0; i < weight.length; i++) difference[i] = weight[i] - compressed[i];
  const product = takeValues(
    tf.tidy(() => tf.matMul(tf.tensor2d(difference, [rows, columns]), tf.tensor2d(hessian, [columns, columns]))),
  );
  let error = 0;
  for (let i = 0; i < product.length; i++) error += product[i] * difference[i];
  return error;
}
