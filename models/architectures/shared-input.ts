import type * as tf from "@tensorflow/tfjs-core";
import type { BlockState, LinearGroup, Stage, Weights } from "../model.js";

/** A stage whose linears share one input, as they do in all but mixtures of experts. */
export interface SharedInputStage extends LinearGroup {
  /** The state after these linears. `input` is what `input()` returned for the same state. */
  next(state: BlockState, input: tf.Tensor3D, weights: Weights): BlockState;
}

export function sharedInput({ linears, input, next }: SharedInputStage): Stage {
  return {
    groups: [{ linears, input }],
    next: (state, inputOf, weights) => next(state, inputOf(0), weights),
  };
}
