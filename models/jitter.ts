import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { generatorOf } from "../storage/generator.js";
import { identity } from "../storage/identity.js";
import type { HostTensor, HostWeights, Model } from "./model.js";

/** Standard deviation of the noise, relative to each weight: what another order of additions may do. */
const RELATIVE_NOISE = 1e-6;

/**
 * The model with every weight multiplied by 1 + 1e-6 * standard normal noise. The noise of a weight depends on the seed and on its
 * name alone, so that it is the same however often and in whatever order weights are read; tied weights stay equal.
 */
export function jitteredModel(model: Model, seed: number): Model {
  const { architecture } = model;
  const jittered = (weights: HostWeights, fullName = (name: string) => name): HostWeights =>
    new Map(Array.from(weights, ([name, tensor]) => [name, jitter(tensor, seed, fullName(name))]));
  return {
    ...model,
    digest: identity({ model: model.digest, jitter: seed }),
    embedding: async () => jittered(await model.embedding()),
    block: async (index, without) =>
      jittered(await model.block(index, without), (name) => architecture.blockWeightName(model.config, index, name)),
    head: async () => jittered(await model.head()),
  };
}

function jitter(tensor: HostTensor, seed: number, name: string): HostTensor {
  const normal = normalValues(seed, name);
  return { ...tensor, data: tensor.data.map((weight) => weight * (1 + RELATIVE_NOISE * normal())) };
}

/** Standard normal values, two from each pair of uniform ones (Box & Muller 1958). */
function normalValues(seed: number, name: string): () => number {
  const generator = generatorOf(`${seed}/${name}`);
  let kept: number | undefined;
  return () => {
    if (kept !== undefined) {
      const value = kept;
      kept = undefined;
      return value;
    }
    // From 1 down to above 0: the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat32(generator)));
    const angle = 2 * Math.PI * uniformFloat32(generator);
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
