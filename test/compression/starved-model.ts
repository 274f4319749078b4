import * as tf from "@tensorflow/tfjs-core";
import type { Model, Stage } from "../../models/model.js";

/** The model, but what the given linear's stage shows of its input has no tokens: as of an expert that nothing is routed to. */
export function starvedModel(model: Model, linear: string): Model {
  const { architecture } = model;
  const starved = (stage: Stage): Stage => ({
    groups: stage.groups.map((group) => ({
      ...group,
      input: (state, weights) => tf.tidy(() => withoutTokens(group.input(state, weights))),
    })),
    next: (state, _, weights) => stage.next(state, (group) => stage.groups[group].input(state, weights), weights),
  });
  return {
    ...model,
    architecture: {
      ...architecture,
      stages: (config, index, tokens, tree) =>
        architecture
          .stages(config, index, tokens, tree)
          .map((stage) => (stage.groups.some(({ linears }) => linears.includes(linear)) ? starved(stage) : stage)),
    },
  };
}

function withoutTokens(input: tf.Tensor3D): tf.Tensor3D {
  return tf.zeros([input.shape[0], 0, input.shape[2]]);
}
