import * as tf from "@tensorflow/tfjs-core";
import { takeValues } from "../tensor/linear-algebra.js";
import type { Layer, LayerShape } from "./method.js";

/** tr((W-Q) H (W-Q)^T): the layer's squared output error on its calibration inputs, in the units of H. Summed in float64. */
export function solveError({ weight, ...shape }: Layer, compressed: Float32Array, hessian: Float32Array): number {
  const difference = new Float32Array(weight.length);
  for (let i = 0; i < weight.length; i++) difference[i] = weight[i] - compressed[i];
  return squaredOutput(difference, shape, hessian);
}

/** tr(W H W^T): the layer's squared output on its calibration inputs, in the units of H; what a solve error is a share of. */
export function outputEnergy({ weight, ...shape }: Layer, hessian: Float32Array): number {
  return squaredOutput(weight, shape, hessian);
}

function squaredOutput(matrix: Float32Array, { rows, columns }: LayerShape, hessian: Float32Array): number {
  const product = takeValues(
    tf.tidy(() => tf.matMul(tf.tensor2d(matrix, [rows, columns]), tf.tensor2d(hessian, [columns, columns]))),
  );
  let sum = 0;
  for (let i = 0; i < product.length; i++) sum += product[i] * matrix[i];
  return sum;
}
