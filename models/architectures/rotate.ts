import * as tf from "@tensorflow/tfjs-core";
import type { RotaryTables } from "../rotary.js";

/**
 * x * cos + (x with its halves swapped) * sin, of the first `rotaryDim` values of the last axis, times `scale`.
 * @param table makes a tensor of a table, times `scale`, with the shape in which it is multiplied with x
 */
export function rotate<T extends tf.Tensor>(
  x: T,
  { cos, signedSin }: RotaryTables,
  rotaryDim: number,
  scale: number,
  table: (values: Float32Array) => tf.Tensor,
): T {
  const scaled = (part: T): T => (scale === 1 ? part : tf.mul(part, scale));
  if (rotaryDim === 0) return scaled(x);
  const axis = x.rank - 1;
  const rest = x.shape[axis] - rotaryDim;
  const [turning, still] = rest === 0 ? [x] : (tf.split(x, [rotaryDim, rest], axis) as T[]);
  const [first, second] = tf.split(turning, 2, axis);
  const swapped = tf.concat([second, first], axis);
  const turned: T = tf.add(tf.mul(turning, table(cos)), tf.mul(swapped, table(signedSin)));
  return still === undefined ? turned : tf.concat<T>([turned, scaled(still as T)], axis);
}
