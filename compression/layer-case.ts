import * as tf from "@tensorflow/tfjs-core";
import type { HostTensor } from "../models/model.js";
import { readSafetensors } from "../models/safetensors.js";
import { type WritableData, writeSafetensors } from "../models/safetensors-write.js";
import { TouchstoneError } from "../study/errors.js";
import type { MethodSettings } from "../study/methods.js";
import { compressLayers } from "./compress-layers.js";
import type { CompressedLayer, Layer, LayerShape, LayerStatistics, StatisticsKind } from "./method.js";
import { methodOf } from "./registry.js";
import { solveError } from "./solve-error.js";
import { accumulate, secondMoment } from "./statistics.js";

/** One linear layer with the inputs it is compressed on. */
export interface LayerCase {
  layer: Layer;
  /** [sequences, tokens, in] */
  inputs: HostTensor;
}

/** @throws TouchstoneError InvalidData for missing tensors, ShapeMismatch, and as `readSafetensors` */
export async function readCase(uri: string): Promise<LayerCase> {
  const { tensors } = await readSafetensors(uri);
  const read = (name: string, axes: number): HostTensor => {
    const tensor = tensors.get(name);
    const isFloat = tensor !== undefined && tensor.data instanceof Float32Array;
    if (isFloat && tensor.shape.length === axes) {
      return { shape: tensor.shape, dtype: tensor.dtype, data: tensor.data as Float32Array };
    }
    throw new TouchstoneError("InvalidData", {
      what:
        tensor === undefined
          ? "The tensor is missing"
          : `It must be floats of ${axes} axes, not ${tensor.dtype} [${tensor.shape}]`,
      where: `${uri}, tensor ${name}`,
      todo: "The file needs weight [out, in] and inputs [sequences, tokens, in].",
    });
  };
  const weight = read("weight", 2);
  const inputs = read("inputs", 3);
  const [rows, columns] = weight.shape;
  if (inputs.shape[2] === columns) {
    return { layer: { name: "weight", rows, columns, weight: weight.data, dtype: weight.dtype }, inputs };
  }
  throw new TouchstoneError("ShapeMismatch", {
    what: `The inputs have ${inputs.shape[2]} values a token, but the weight takes ${columns}`,
    where: uri,
    todo: "Give inputs [sequences, tokens, in] for weight [out, in].",
  });
}

/**
 * Compresses the layer. The error is that of the inputs' second moment, whatever the method itself looks at.
 * @throws TouchstoneError as `compressLayers`
 */
export function compressCase(
  { layer, inputs }: LayerCase,
  settings: MethodSettings,
): { compressed: CompressedLayer; error: number } {
  const method = methodOf(settings.method);
  method.checkSettings(layer, settings);
  const moment = collect(inputs, "secondMoment");
  const statistics = method.statistics === "secondMoment" ? moment : collect(inputs, method.statistics);
  const [{ compressed, error }] = compressLayers([layer], statistics, settings);
  // Without inputs nothing is lost.
  if (moment.kind === "unseen") return { compressed, error: 0 };
  return { compressed, error: error ?? solveError(layer, compressed.weight, secondMoment(moment)) };
}

function collect({ shape, data }: HostTensor, kind: StatisticsKind): LayerStatistics {
  const [sequences, tokens, columns] = shape;
  const accumulator = accumulate(kind, columns);
  const inputs = tf.tensor3d(data, [sequences, tokens, columns]);
  try {
    accumulator.add(inputs);
    return accumulator.finish("tensor inputs");
  } finally {
    inputs.dispose();
    accumulator.dispose();
  }
}

/** Writes `weight`, and `codes`, `scales`, `zeros`, `group_index`, `outliers`, `mask` where the method has them. */
export async function writeCase(
  path: string,
  { rows, columns }: LayerShape,
  { weight, quantized, mask }: CompressedLayer,
): Promise<void> {
  const tensors = new Map<string, { shape: readonly number[]; data: WritableData }>();
  tensors.set("weight", { shape: [rows, columns], data: weight });
  if (mask !== undefined) tensors.set("mask", { shape: [rows, columns], data: mask });
  if (quantized !== undefined) {
    const { codes, scales, zeros, groupIndex, groups, outliers } = quantized;
    tensors.set("codes", { shape: [rows, columns], data: codes });
    tensors.set("scales", { shape: [rows, groups], data: scales });
    tensors.set("zeros", { shape: [rows, groups], data: zeros });
    tensors.set("group_index", { shape: [columns], data: groupIndex });
    if (outliers !== undefined) tensors.set("outliers", { shape: [rows, columns], data: outliers });
  }
  await writeSafetensors(path, tensors);
}
