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

/** Standard normal values, two from each pair of uniform ones (Box & Muller 1958); a plain loop, since it goes over all weights. */
function jitter({ data, ...tensor }: HostTensor, seed: number, name: string): HostTensor {
  const generator = generatorOf(`${seed}/${name}`);
  const jittered = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += 2) {
    // From 1 down to above 0: the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat32(generator)));
    const angle = 2 * Math.PI * uniformFloat32(generator);
    jittered[i] = data[i] * (1 + RELATIVE_NOISE * (radius * Math.cos(angle)));
    // Behind the last of an odd number nothing is stored.
    jittered[i + 1] = data[i + 1] * (1 + RELATIVE_NOISE * (radius * Math.sin(angle)));
  }
  return { ...tensor, data: jittered };
}
