import * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig, Stage, Weights } from "../model.js";
import { type Attend, attentionOf } from "./attend.js";
import { biasedShapes } from "./layer-norms.js";
import { activate, layerNorm, project } from "./layers.js";
import { type SharedInputStage, sharedInput } from "./shared-input.js";

// Blocks of layer norms, attention and a feed-forward part of two linears, one after the other or beside each other.

/** Weights inside a block. */
export interface LayerNormBlock {
  /** Linears whose outputs are queries, keys and values. */
  into: readonly string[];
  /** These three, of the linears' shared input. */
  queriesKeysValues(input: tf.Tensor3D, weights: Weights): tf.Tensor3D[];
  output: string;
  up: string;
  down: string;
  attentionNorm: string;
  /** The attention's own, where both parts have the same input. */
  mlpNorm: string;
  /** Whether both parts see what comes into the block. */
  parallel: boolean;
}

/**
 * The stages of a block: x + attention(norm(x)), and to that the feed-forward part of its own norm; or parallel, x +
 * attention(norm(x)) + feed-forward(norm(x)).
 */
export function layerNormStages(block: LayerNormBlock, { normEps, activation }: ModelConfig, attend: Attend): Stage[] {
  const { into, output, up, down, attentionNorm, mlpNorm } = block;
  const sharesInput = block.parallel && mlpNorm === attentionNorm;
  const mlpInput = ({ hidden }: { hidden: tf.Tensor3D }, weights: Weights) =>
    layerNorm(hidden, weights, mlpNorm, normEps);
  const attention: SharedInputStage = {
    linears: sharesInput ? [...into, up] : into,
    input: ({ hidden }, weights) => layerNorm(hidden, weights, attentionNorm, normEps),
    next: ({ hidden }, input, weights) => {
      const [q, k, v] = block.queriesKeysValues(input, weights);
      return { hidden, attention: attend(q, k, v) };
    },
  };
  const added: SharedInputStage = {
    linears: [output],
    input: attentionOf,
    next: ({ hidden }, input, weights) => ({ hidden: tf.add(hidden, project(input, weights, output)) }),
  };
  const widened: SharedInputStage = {
    linears: [up],
    input: mlpInput,
    // The next stage computes this linear itself: its outputs would be the largest activations kept.
    next: ({ hidden, attention }) => ({ hidden, attention }),
  };
  const narrowed: SharedInputStage = {
    linears: [down],
    input: (state, weights) => activate(project(mlpInput(state, weights), weights, up), activation),
    next: ({ hidden, attention }, input, weights) => ({
      hidden: tf.add(hidden, project(input, weights, down)),
      attention,
    }),
  };
  // In parallel, the feed-forward part goes first, while x is still what came in.
  const parallel = [attention, ...(sharesInput ? [] : [widened]), narrowed, added];
  return (block.parallel ? parallel : [attention, added, widened, narrowed]).map(sharedInput);
}

/** One linear for queries, keys and values: those of each key-value head stand together, its query heads first. */
export function fusedQueries(
  name: string,
  { keyValueHeads, attentionHeads, headDim }: ModelConfig,
): Pick<LayerNormBlock, "into" | "queriesKeysValues"> {
  const queries = (attentionHeads / keyValueHeads) * headDim;
  return {
    into: [name],
    queriesKeysValues: (input, weights) => {
      const [sequences, rows] = input.shape;
      const byHead = tf.reshape(project(input, weights, name), [sequences, rows, keyValueHeads, queries + 2 * headDim]);
      return tf
        .split(byHead, [queries, headDim, headDim], 3)
        .map((part) => tf.reshape<tf.Rank.R3>(part, [sequences, rows, keyValueHeads * part.shape[3]!]));
    },
  };
}

/** Shapes of a block whose queries, keys and values are one linear, with the norms by their names. */
export function fusedShapes(
  { into: [qkv], output, up, down }: LayerNormBlock,
  { hiddenSize, intermediateSize, attentionHeads, keyValueHeads, headDim, biases }: ModelConfig,
  norms: readonly string[],
): ReadonlyMap<string, readonly number[]> {
  const linears = new Map([
    [qkv, [(attentionHeads + 2 * keyValueHeads) * headDim, hiddenSize]],
    [output, [hiddenSize, attentionHeads * headDim]],
    [up, [intermediateSize, hiddenSize]],
    [down, [hiddenSize, intermediateSize]],
  ]);
  return biasedShapes(linears, biases, norms, hiddenSize);
}
