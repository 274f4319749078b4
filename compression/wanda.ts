import type { SettingsOf } from "../study/methods.js";
import { checkPattern, kthSmallest, parsePattern, patternMask, pruned } from "./mask.js";
import type { Layer, Method } from "./method.js";
import { inputNorms } from "./statistics.js";

/**
 * Wanda (Sun et al. 2024, arXiv 2306.11695): prunes by |W| times the norm of its input, within each row; no weight is updated.
 */
export const wanda: Method<SettingsOf<"wanda">> = {
  name: "wanda",
  statistics: "inputNorms",
  checkSettings: (layer, { pattern }) => checkPattern(layer, pattern),
  compress: (layers, statistics, { pattern, sparsity }) =>
    layers.map((layer) => {
      const scores = wandaScores(layer, inputNorms(statistics));
      const mask =
        pattern === undefined
          ? rowMask(scores, layer, Math.floor(layer.columns * (sparsity ?? 0)))
          : patternMask(scores, parsePattern(pattern));
      return pruned(layer.weight, mask);
    }),
};

/** |W[i,j]| * sqrt(s_j), float32 */
function wandaScores({ weight, columns }: Layer, meanSquares: Float32Array): Float32Array {
  const norms = meanSquares.map(Math.sqrt);
  const scores = new Float32Array(weight.length);
  for (let start = 0; start < weight.length; start += columns) {
    for (let j = 0; j < columns; j++) scores[start + j] = Math.abs(weight[start + j]) * norms[j];
  }
  return scores;
}

/** Prunes the `count` least scores of each row; of equal ones the lowest column first. */
function rowMask(scores: Float32Array, { rows, columns }: Layer, count: number): Uint8Array {
  const mask = new Uint8Array(scores.length).fill(1);
  if (count === 0) return mask;
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const threshold = kthSmallest(scores.subarray(start, start + columns), count - 1);
    let left = count;
    for (let i = start; i < start + columns; i++) {
      if (scores[i] < threshold) {
        mask[i] = 0;
        left--;
      }
    }
    for (let i = start; left > 0; i++) {
      if (scores[i] === threshold) {
        mask[i] = 0;
        left--;
      }
    }
  }
  return mask;
}
