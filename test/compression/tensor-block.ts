import * as tf from "@tensorflow/tfjs-core";
import { type CompressBlockOptions, compressBlock, type SolvedBlock } from "../../compression/compress-block.js";
import type { HostWeights, Model } from "../../models/model.js";
import type { MethodSettings } from "../../study/methods.js";
import { createShelf, disposeShelved, type Shelf, type Shelved, shelveAll } from "../../tensor/shelf.js";

export type SolvedTensors = Omit<SolvedBlock, "outputs"> & { outputs: tf.Tensor3D[] };

/** Everything stays in memory. */
export function memoryShelf(): Shelf {
  return createShelf(Number.POSITIVE_INFINITY);
}

/** Other holds on the tensors' values. */
export function shelvedCopies(tensors: readonly tf.Tensor3D[], shelf: Shelf): Promise<Shelved[]> {
  return shelveAll(
    tensors.map((tensor) => tf.clone(tensor)),
    shelf,
  );
}

/** `compressBlock` on tensors, which stay as they are, with outputs that are tensors, the caller's own. */
export async function compressTensors(
  model: Model,
  index: number,
  weights: HostWeights,
  inputs: readonly tf.Tensor3D[],
  settings: MethodSettings,
  { shelf = memoryShelf(), ...options }: Partial<CompressBlockOptions> = {},
): Promise<SolvedTensors> {
  const given = await shelvedCopies(inputs, shelf);
  try {
    const solved = await compressBlock(model, index, weights, given, settings, { shelf, ...options });
    const outputs: tf.Tensor3D[] = [];
    for (const output of solved.outputs) outputs.push(await output.tensor());
    disposeShelved(solved.outputs);
    return { ...solved, outputs };
  } finally {
    disposeShelved(given);
  }
}
