import * as tf from "@tensorflow/tfjs-core";
import { nativeBackend } from "../tensor/native.js";
import { type PanelRule, visitPanels } from "./column-panels.js";
import { type TensorRule, visitTensors } from "./column-tensors.js";
import type { Factors } from "./factorisation.js";
import type { Layer, Visits } from "./method.js";

/** Of the sum of squares: what is left of less is too much rounding of float32. */
const LEAST_SHARE = 1e-3;

/** What a method does with a column: its part of the loop that GPTQ, SpQR and SparseGPT share, in both ways of visiting. */
export interface ColumnRule {
  /** Where a byte a weight goes in the end, row-major [rows, columns] in the inputs' own order; up to two. */
  readonly bytes: readonly Uint8Array[];
  kernels(): PanelRule;
  tensors(): TensorRule;
}

export interface Solved {
  /** What the weights have become, row-major [rows, columns] in the inputs' own order. */
  weight: Float32Array;
  /** tr((W-Q) H (W-Q)^T); undefined where nearly all of the damped H's is the damping's, so that rounding would drown it */
  error: number | undefined;
}

/**
 * The loop of optimal-brain compression (Frantar et al. 2023, arXiv 2210.17323, section 3.3): columns are visited in order, each
 * column's error e = (w - q) / U[j,j] is taken from the later columns times U[j, j:]. Inside a block this is done at once; what is
 * after the block it reaches in products on the compute backend. Blocks are visited where the weights live: in the memory of the
 * WebAssembly kernels (column-panels.ts), or as tensors, which stay on a GPU (column-tensors.ts).
 *
 * So W - Q = E U, and since the damped H is (U^T U)^-1, the layer's error with the damped H is the sum of e^2; what the damping
 * adds is taken off it again. That costs no product with H.
 * @param visits where the weights live (default: on the GPU where the backend has one)
 */
export function solveColumns(
  layer: Layer,
  factors: Factors,
  blockSize: number,
  rule: ColumnRule,
  visits: Visits = nativeBackend()?.isUsingGpuDevice ? "tensors" : "kernels",
): Solved {
  const { columns } = layer;
  const weight = new Float32Array(layer.weight.length);
  const into = { weight, bytes: rule.bytes };
  let squares = 0;
  tf.tidy(() => {
    const blocks =
      visits === "tensors"
        ? visitTensors(layer, factors, rule.tensors(), into)
        : visitPanels(layer, factors, blockSize, rule.kernels(), into);
    for (let start = 0; start < columns; start += blockSize) blocks.visit(start, Math.min(columns, start + blockSize));
    squares = blocks.finish();
  });
  const error = squares - dampingShare(layer, factors, weight);
  return { weight, error: error > LEAST_SHARE * squares ? error : undefined };
}

/** What the part of the damped H that isn't H adds to the layer's error: it is diagonal. */
function dampingShare(
  { weight, rows, columns }: Layer,
  { order, dead, ridge }: Factors,
  compressed: Float32Array,
): number {
  const live = new Float64Array(columns);
  order.forEach((input, column) => {
    live[input] = dead[column] === 1 ? 0 : ridge[column];
  });
  return liveShare(weight, compressed, live, rows) + deadShare(compressed, order, dead, ridge);
}

// Functions of their own: a sum that a closure sees too is kept in memory, which takes several times as long.

function liveShare(weight: Float32Array, compressed: Float32Array, live: Float64Array, rows: number): number {
  let share = 0;
  for (let row = 0, i = 0; row < rows; row++) {
    for (let input = 0; input < live.length; input++, i++) {
      const difference = weight[i] - compressed[i];
      share += live[input] * difference * difference;
    }
  }
  return share;
}

/** The weights of dead inputs were taken to be 0. */
function deadShare(compressed: Float32Array, order: Int32Array, dead: Uint8Array, ridge: Float32Array): number {
  const columns = order.length;
  let share = 0;
  for (let column = 0; column < columns; column++) {
    if (dead[column] === 0) continue;
    for (let i = order[column]; i < compressed.length; i += columns) share += ridge[column] * compressed[i] ** 2;
  }
  return share;
}
