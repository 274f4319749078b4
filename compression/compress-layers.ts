import { allFinite } from "../models/weights.js";
import { TouchstoneError } from "../study/errors.js";
import type { MethodSettings } from "../study/methods.js";
import type { CompressedLayer, Layer, LayerStatistics } from "./method.js";
import { methodOf } from "./registry.js";
import { solveError } from "./solve-error.js";

export interface Compressed {
  compressed: CompressedLayer;
  /** tr((W-Q) H (W-Q)^T), where the method has H. */
  error: number | null;
}

/**
 * Compresses linears that share one input.
 * @throws TouchstoneError InvalidSettings before anything is computed; NumericalError naming the tensor for NaN or infinite weights,
 *   and for a second moment that can't be factorised
 */
export function compressLayers(
  layers: readonly Layer[],
  statistics: LayerStatistics,
  settings: MethodSettings,
): Compressed[] {
  const method = methodOf(settings.method);
  for (const layer of layers) {
    method.checkSettings(layer, settings);
    checkFinite(layer);
  }
  return method.compress(layers, statistics, settings).map((compressed, i) => ({
    compressed,
    error: statistics.kind === "secondMoment" ? solveError(layers[i], compressed.weight, statistics.hessian) : null,
  }));
}

function checkFinite({ name, weight }: Layer): void {
  if (allFinite(weight)) return;
  throw new TouchstoneError("NumericalError", {
    what: "The weight has NaN or infinite values",
    where: name,
    todo: "Fetch the model again, or take another one.",
  });
}
