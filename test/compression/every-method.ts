import { compressLayers } from "../../compression/compress-layers.js";
import type { Layer } from "../../compression/method.js";
import { methodOf } from "../../compression/registry.js";
import { type MethodSettings, methodSettingsSchema } from "../../study/methods.js";
import { collect } from "./random-layer.js";

/** Every method, with what its settings can do to a layer of 72 columns. */
export const everyMethod: object[] = [
  { method: "rtn", bits: 3, groupSize: 10, symmetric: true },
  { method: "rtn", bits: 8, groupSize: -1, mse: true },
  { method: "gptq", bits: 4, groupSize: 16, blockSize: 32 },
  { method: "gptq", bits: 5, groupSize: 16, blockSize: 32, actOrder: true },
  { method: "gptq", bits: 2, groupSize: 20, blockSize: 40, actOrder: true, staticGroups: true },
  { method: "gptq", bits: 3, groupSize: 50, blockSize: 32, symmetric: true },
  { method: "spqr", bits: 3, blockSize: 32 },
  { method: "spqr", bits: 4, groupSize: 8, statisticsGroupSize: 5, order: "identity", outlierThreshold: null },
  { method: "spqr", bits: 2, simplifiedOutliers: true, outlierThreshold: 0.01, damping: 0.1 },
  { method: "spqr", groupSize: -1, statisticsBits: 8, statisticsGroupSize: -1, outlierThreshold: 0.05 },
  { method: "sparsegpt", pattern: "2:4", blockSize: 32 },
  { method: "sparsegpt", sparsity: 0.4, blockSize: 32 },
  { method: "wanda", pattern: "2:4" },
  { method: "wanda", sparsity: 0.6 },
  { method: "magnitude", pattern: "5:8" },
  { method: "magnitude", pattern: "1:2" },
  { method: "magnitude", sparsity: 0.3 },
];

export function settingsOf(json: object): MethodSettings {
  return methodSettingsSchema.parse(json);
}

export function compressRandom(layer: Layer, inputs: Float32Array, settings: MethodSettings) {
  const statistics = collect(inputs, layer.columns, methodOf(settings.method).statistics);
  return compressLayers([layer], statistics, settings)[0].compressed;
}
