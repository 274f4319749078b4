import type { SettingsOf } from "../study/methods.js";
import { checkPattern, kthSmallest, parsePattern, patternMask, pruned } from "./mask.js";
import type { Method } from "./method.js";

/**
 * Magnitude pruning, without calibration data: the least |W| of every run of m columns, or (by sparsity) at and under the
 * floor(sparsity * count)-th smallest, 0-based, of the layer.
 */
export const magnitude: Method<SettingsOf<"magnitude">> = {
  name: "magnitude",
  statistics: "none",
  checkSettings: (layer, { pattern }) => checkPattern(layer, pattern),
  compress: (layers, _, { pattern, sparsity }) =>
    layers.map(({ weight }) => {
      const scores = magnitudes(weight);
      const mask =
        pattern === undefined ? layerMask(scores, sparsity ?? 0) : patternMask(scores, parsePattern(pattern));
      return pruned(weight, mask);
    }),
};

function magnitudes(weight: Float32Array): Float32Array {
  const scores = new Float32Array(weight.length);
  for (let i = 0; i < weight.length; i++) scores[i] = Math.abs(weight[i]);
  return scores;
}

function layerMask(scores: Float32Array, sparsity: number): Uint8Array {
  const threshold = kthSmallest(scores, Math.floor(sparsity * scores.length));
  const mask = new Uint8Array(scores.length);
  for (let i = 0; i < scores.length; i++) mask[i] = scores[i] <= threshold ? 0 : 1;
  return mask;
}
