import type { Architecture } from "../model.js";
import { biasOf, layerNorm, projectToMany, weightOf } from "./layers.js";

// What families with layer norms and biases have in common.

type Shape = readonly number[];

/** Shapes of a block's linears, the biases of those in `biased`, and its norms with theirs. */
export function biasedShapes(
  linears: ReadonlyMap<string, Shape>,
  biased: readonly string[],
  norms: readonly string[],
  hiddenSize: number,
): ReadonlyMap<string, Shape> {
  return new Map<string, Shape>([
    ...linears,
    ...biased.map((name) => [biasOf(name), [linears.get(name)![0]]] as const),
    ...norms.flatMap((name) => [name, biasOf(name)]).map((name) => [name, [hiddenSize]] as const),
  ]);
}

/** The final layer norm, and the head or where it is tied the embedding. */
export function layerNormHead(
  norm: string,
  embedding: string,
  head: string,
): Pick<Architecture, "headShapes" | "logits"> {
  return {
    headShapes: ({ vocabSize, hiddenSize, tieWordEmbeddings }) =>
      new Map([
        [norm, [hiddenSize]],
        [biasOf(norm), [hiddenSize]],
        [tieWordEmbeddings ? embedding : head, [vocabSize, hiddenSize]],
      ]),
    logits: (config, hidden, weights) => {
      const normed = layerNorm(hidden, weights, norm, config.normEps);
      return projectToMany(normed, weightOf(weights, config.tieWordEmbeddings ? embedding : head));
    },
  };
}
