import * as tf from "@tensorflow/tfjs-core";
import { compressBlock, type SolvedBlock } from "../../compression/compress-block.js";
import { decodeLayer, encodeLayer, storedBits } from "../../compression/stored-layer.js";
import { chunkSequences, chunkSize, embedChunks, embedEach } from "../../models/forward.js";
import type { Model } from "../../models/model.js";
import { encodeActivations } from "../../storage/activations.js";
import { sha256 } from "../../storage/identity.js";
import { type ActivationDtype, activationDtypeOf } from "../../study/activation-dtype.js";
import type { MethodSettings } from "../../study/methods.js";
import { lineThrough, type MethodRates, type ModelRates } from "../../study/rates.js";
import type { StudySpec } from "../../study/spec.js";
import { toResting } from "../../tensor/resting-values.js";
import { createShelf, disposeShelved, shelveAll } from "../../tensor/shelf.js";
import { medians, secondsOf } from "./time.js";

/** Numbers of calibration sequences that are measured, of `length` tokens each. */
export interface MeasuredSizes {
  length: number;
  /** In which hidden states rest. */
  dtype: ActivationDtype;
  few: number;
  many: number;
}

/** At most, so that a block of a large model takes seconds. */
const MOST_CHUNKS = 4;

/** Between the smallest and the largest set, as far as that takes a few chunks. */
export function measuredSizes({ sizes, length, ...states }: StudySpec["calibration"]): MeasuredSizes {
  const chunk = chunkSize(length);
  const few = Math.min(chunk, ...sizes);
  return {
    length,
    dtype: activationDtypeOf(states),
    few,
    many: Math.max(few, Math.min(MOST_CHUNKS * chunk, Math.max(...sizes, 2 * few))),
  };
}

/** Solves one block by a method. Times don't depend on which tokens there are. */
export async function measureMethod(
  model: Model,
  settings: MethodSettings,
  usesData: boolean,
  { length, dtype, few, many }: MeasuredSizes,
): Promise<MethodRates> {
  const index = Math.floor(model.config.blocks / 2);
  const weights = await model.block(index);
  const solve = async (sequences: number) => {
    const shelf = createShelf().as(dtype);
    const tokens = chunkSequences(usesData ? madeUp(model, sequences, length) : []);
    const inputs = await shelveAll(embedEach(model, tokens), shelf);
    try {
      return await medians(async () => {
        const solved = await compressBlock(model, index, weights, inputs, settings, { shelf, outputs: usesData });
        disposeShelved(solved.outputs);
        return { ...solved.seconds, ...(await storedForm(solved, settings)) };
      });
    } finally {
      disposeShelved(inputs);
    }
  };
  const large = await solve(many);
  const small = many === few || !usesData ? large : await solve(few);
  const line = (phase: "capture" | "forward") =>
    usesData
      ? lineThrough([
          [few * length, small[phase]],
          [many * length, large[phase]],
        ])
      : { fixed: 0, perToken: 0 };
  const { encode, decode } = large;
  return { capture: line("capture"), forward: line("forward"), solve: large.solve, encode, decode };
}

/** What a step does with a solved block besides, and what reading it back takes. */
async function storedForm({ layers }: SolvedBlock, settings: MethodSettings) {
  const encoded: Uint8Array[] = [];
  const encode = await secondsOf(() => {
    for (const { compressed, tensor, ...layer } of layers) {
      const bytes = encodeLayer(compressed, { ...layer, name: tensor, settings });
      storedBits(bytes, tensor);
      sha256(bytes);
      encoded.push(bytes);
    }
  });
  const decode = await secondsOf(() => {
    for (const bytes of encoded) {
      sha256(bytes);
      decodeLayer(bytes, "measurement");
    }
  });
  return { encode, decode };
}

/** Embedding calibration tokens, and hidden states in their stored form. */
export async function measureStates(
  model: Model,
  { length, dtype, many }: MeasuredSizes,
): Promise<Pick<ModelRates, "embed" | "states">> {
  const tokens = madeUp(model, Math.min(many, chunkSize(length)), length);
  const count = tokens.length * length;
  const measured = await medians(async () => {
    const read = await secondsOf(() => model.embedding());
    let hidden: tf.Tensor3D[] = [];
    const whole = await secondsOf(async () => {
      hidden = await embedChunks(model, chunkSequences(tokens));
    });
    const states = await secondsOf(async () => {
      for (const chunk of hidden) {
        const [sequences, tokens, hiddenSize] = chunk.shape;
        const values = toResting((await chunk.data<"float32">()).slice(), dtype);
        sha256(encodeActivations({ sequences, tokens, hiddenSize, dtype, values }, 0));
      }
    });
    tf.dispose(hidden);
    return { embed: Math.max(0, whole - read), states };
  });
  return {
    embed: { fixed: 0, perToken: measured.embed / count },
    states: { fixed: 0, perToken: measured.states / count },
  };
}

/** Different tokens all over the vocabulary. */
export function madeUp({ config: { vocabSize } }: Model, sequences: number, length: number): Int32Array[] {
  return Array.from({ length: sequences }, (_, s) =>
    Int32Array.from({ length }, (_, i) => ((s * length + i + 1) * 7919) % vocabSize),
  );
}
