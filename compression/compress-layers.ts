import { allFinite } from "../models/weights.js";
import { TouchstoneError } from "../study/errors.js";
import type { MethodSettings } from "../study/methods.js";
import { castToCheckpoint, checkWeightDtype } from "./checkpoint-type.js";
import type { CompressedLayer, Layer, LayerStatistics, Solution, Visits } from "./method.js";
import { methodOf } from "./registry.js";
import { solveError } from "./solve-error.js";
import { compressUnseen } from "./unseen.js";

export interface Compressed {
  compressed: CompressedLayer;
  /** tr((W-Q) H (W-Q)^T), where the method has H. */
  error: number | null;
}

/**
 * Compresses linears that share one input; where no token reached it, as the setting `unseen` says.
 * @param visits as `Method.compress` takes it
 * @throws TouchstoneError InvalidSettings before anything is computed; NumericalError naming the tensor for NaN or infinite weights,
 *   for a second moment that can't be factorised, and where float32 can't hold what the method computes
 */
export function compressLayers(
  layers: readonly Layer[],
  statistics: LayerStatistics,
  settings: MethodSettings,
  visits?: Visits,
): Compressed[] {
  const method = methodOf(settings.method);
  for (const layer of layers) {
    method.checkSettings(layer, settings);
    checkWeightDtype(layer, settings);
    if (!allFinite(layer.weight)) {
      throw notFinite(layer, "The weight has NaN or infinite values", "Fetch the model again, or take another one.");
    }
  }
  const solutions: Solution[] =
    statistics.kind === "unseen"
      ? compressUnseen(layers, settings)
      : method.compress(layers, statistics, settings, visits);
  return solutions.map(({ error: known, ...solved }, i) => {
    const layer = layers[i];
    const compressed = castToCheckpoint(layer, solved, settings);
    if (!allFinite(compressed.weight)) {
      const what = `${settings.method} gives NaN or infinite weights: those of the layer, or its inputs, are too far from 1 for float32`;
      throw notFinite(layer, what, "Check the model's weights and the calibration set.");
    }
    // Without inputs nothing is lost.
    if (statistics.kind === "unseen") return { compressed, error: method.statistics === "secondMoment" ? 0 : null };
    if (statistics.kind !== "secondMoment") return { compressed, error: null };
    // The solver's error is that of the weights before a cast.
    const error = compressed === solved ? known : undefined;
    return { compressed, error: error ?? solveError(layer, compressed.weight, statistics.hessian) };
  });
}

function notFinite({ name }: Layer, what: string, todo: string): TouchstoneError {
  return new TouchstoneError("NumericalError", { what, where: name, todo });
}
