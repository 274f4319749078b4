import * as tf from "@tensorflow/tfjs-core";
import { encoderTokens } from "../encoder-decoder.js";
import type { Architecture, ModelConfig } from "../model.js";
import { projectToMany, rmsNorm, weightOf } from "./layers.js";
import { asT5, readT5Config } from "./t5-config.js";
import { blockNames, ENCODER_NORM, POSITION_BIAS } from "./t5-names.js";
import { decoderStages, encoderStages } from "./t5-stages.js";

const EMBEDDING = "shared.weight";
const DECODER_NORM = "decoder.final_layer_norm.weight";
const HEAD = "lm_head.weight";

/**
 * T5 1.0, 1.1 and Flan-T5 (Raffel et al. 2020, arXiv 1910.10683, section 2.1; Chung et al. 2022, arXiv 2210.11416): an encoder and
 * a decoder, whose blocks are one sequence here. All blocks of a stack share the biases by distance of its first, and what follows
 * the encoder's last block belongs to that.
 */
export const t5: Architecture = {
  modelType: "t5",
  readConfig: readT5Config,
  blockShapes,
  blockWeightName: (config, index, name) => {
    const { encoderBlocks } = asT5(config).encoderDecoder;
    const [stack, block] = index < encoderBlocks ? ["encoder", index] : ["decoder", index - encoderBlocks];
    if (name === ENCODER_NORM) return `${stack}.${name}`;
    return `${stack}.block.${name === POSITION_BIAS ? 0 : block}.${name}`;
  },
  embeddingShapes: ({ vocabSize, hiddenSize }) => new Map([[EMBEDDING, [vocabSize, hiddenSize]]]),
  headShapes: ({ vocabSize, hiddenSize, tieWordEmbeddings }) =>
    new Map([
      [DECODER_NORM, [hiddenSize]],
      [tieWordEmbeddings ? EMBEDDING : HEAD, [vocabSize, hiddenSize]],
    ]),
  embed: (config, tokens, weights, tree) => {
    // The decoder reads what it is to give one token later.
    const [sequences, count] = tokens.shape;
    const read = encoderTokens(count, tree);
    const start = tf.fill([sequences, 1], asT5(config).encoderDecoder.startTokenId, "int32") as tf.Tensor2D;
    const given = tf.slice(tokens, [0, read], [-1, count - read - 1]);
    const all = tf.concat([tf.slice(tokens, [0, 0], [-1, read]), start, given], 1);
    return tf.gather(weightOf(weights, EMBEDDING), all) as tf.Tensor3D;
  },
  stages: (config, index, tokens, tree) => {
    const read = encoderTokens(tokens, tree);
    const own = asT5(config);
    const { encoderBlocks } = own.encoderDecoder;
    return index < encoderBlocks ? encoderStages(own, read, index === encoderBlocks - 1) : decoderStages(own, read);
  },
  logits: ({ normEps, hiddenSize, tieWordEmbeddings }, hidden, weights) => {
    const normed = rmsNorm(hidden, weightOf(weights, DECODER_NORM), normEps);
    return tieWordEmbeddings
      ? projectToMany(tf.mul(normed, hiddenSize ** -0.5), weightOf(weights, EMBEDDING))
      : projectToMany(normed, weightOf(weights, HEAD));
  },
};

type Shape = readonly number[];

function blockShapes(config: ModelConfig, index: number): ReadonlyMap<string, Shape> {
  const { hiddenSize, intermediateSize, attentionHeads, headDim, encoderDecoder } = asT5(config);
  const { encoderBlocks, buckets, gated } = encoderDecoder;
  const { attentions, feedForward } = blockNames(index < encoderBlocks, gated);
  const width = attentionHeads * headDim;
  const shapes = new Map<string, Shape>([[POSITION_BIAS, [buckets, attentionHeads]]]);
  for (const { norm, q, k, v, o } of attentions) {
    shapes.set(norm, [hiddenSize]);
    for (const name of [q, k, v]) shapes.set(name, [width, hiddenSize]);
    shapes.set(o, [hiddenSize, width]);
  }
  shapes.set(feedForward.norm, [hiddenSize]);
  for (const name of feedForward.into) shapes.set(name, [intermediateSize, hiddenSize]);
  shapes.set(feedForward.out, [hiddenSize, intermediateSize]);
  if (index === encoderBlocks - 1) shapes.set(ENCODER_NORM, [hiddenSize]);
  return shapes;
}
