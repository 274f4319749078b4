import * as tf from "@tensorflow/tfjs-core";
import type { BlockState, ModelConfig, Stage, Weights } from "../model.js";
import { attentionOf } from "./attend.js";
import { biasedScoresAttention, type ScoreBias } from "./biased-scores.js";
import { activate, gated, project, rmsNorm, weightOf } from "./layers.js";
import { bucketRows, type PositionBuckets } from "./position-buckets.js";
import { sharedInput } from "./shared-input.js";
import type { T5Config } from "./t5-config.js";
import { type AttentionNames, blockNames, ENCODER_NORM, type FeedForwardNames, POSITION_BIAS } from "./t5-names.js";

/** The tokens that a block changes: what the encoder reads, or what the decoder gives. */
interface Part {
  of(hidden: tf.Tensor3D): tf.Tensor3D;
  /** `hidden` with others in their place. */
  replaced(hidden: tf.Tensor3D, part: tf.Tensor3D): tf.Tensor3D;
}

function partsOf(read: number): { encoder: Part; decoder: Part } {
  const first = (hidden: tf.Tensor3D) => tf.slice(hidden, [0, 0, 0], [-1, read, -1]);
  const rest = (hidden: tf.Tensor3D) => tf.slice(hidden, [0, read, 0], [-1, hidden.shape[1] - read, -1]);
  return {
    encoder: { of: first, replaced: (hidden, part) => tf.concat([part, rest(hidden)], 1) },
    decoder: { of: rest, replaced: (hidden, part) => tf.concat([first(hidden), part], 1) },
  };
}

/** Of a block of the encoder. @param read tokens of a row that are the encoder's; @param isLast whether the encoder's norm follows */
export function encoderStages(config: T5Config, read: number, isLast: boolean): Stage[] {
  const { attentions, feedForward } = blockNames(true, config.encoderDecoder.gated);
  const { encoder } = partsOf(read);
  const norm: Stage = {
    groups: [],
    next: ({ hidden }, _, weights) => ({
      hidden: encoder.replaced(hidden, normed(config, encoder.of(hidden), weights, ENCODER_NORM)),
    }),
  };
  return [
    ...selfAttention(config, attentions[0], encoder, false),
    ...feedForwardStages(config, feedForward, encoder),
    ...(isLast ? [norm] : []),
  ];
}

/** Of a block of the decoder. @param read tokens of a row that are the encoder's */
export function decoderStages(config: T5Config, read: number): Stage[] {
  const { attentions, feedForward } = blockNames(false, config.encoderDecoder.gated);
  const { encoder, decoder } = partsOf(read);
  const [self, { norm, q, k, v, o }] = attentions;
  const cross: Stage = {
    groups: [
      { linears: [q], input: ({ hidden }, weights) => normed(config, decoder.of(hidden), weights, norm) },
      { linears: [k, v], input: ({ hidden }) => encoder.of(hidden) },
    ],
    next: ({ hidden }, input, weights) => {
      const [asking, asked] = [input(0), input(1)];
      const [queries, keys, values] = [
        project(asking, weights, q),
        project(asked, weights, k),
        project(asked, weights, v),
      ];
      const options = { heads: config.attentionHeads, causal: false };
      return { hidden, attention: biasedScoresAttention(queries, keys, values, options) };
    },
  };
  return [
    ...selfAttention(config, self, decoder, true),
    cross,
    added(o, attentionOf, decoder),
    ...feedForwardStages(config, feedForward, decoder),
  ];
}

function selfAttention(config: T5Config, { norm, q, k, v, o }: AttentionNames, part: Part, causal: boolean): Stage[] {
  const { buckets: count, maxDistance } = config.encoderDecoder;
  const buckets: PositionBuckets = { count, maxDistance, bidirectional: !causal };
  const asked = sharedInput({
    linears: [q, k, v],
    input: ({ hidden }, weights) => normed(config, part.of(hidden), weights, norm),
    next: ({ hidden }, input, weights) => {
      const [queries, keys, values] = [q, k, v].map((name) => project(input, weights, name));
      const options = { heads: config.attentionHeads, causal, bias: positionBias(weights, buckets) };
      return { hidden, attention: biasedScoresAttention(queries, keys, values, options) };
    },
  });
  return [asked, added(o, attentionOf, part)];
}

function positionBias(weights: Weights, buckets: PositionBuckets): ScoreBias {
  return (start, size, keys) => {
    const rows = tf.tensor2d(bucketRows(start, size, keys, buckets), [size, keys], "int32");
    return tf.transpose(tf.gather(weightOf(weights, POSITION_BIAS), rows) as tf.Tensor3D, [2, 0, 1]);
  };
}

function feedForwardStages(config: T5Config, { norm, into, out }: FeedForwardNames, part: Part): Stage[] {
  const input = ({ hidden }: BlockState, weights: Weights) => normed(config, part.of(hidden), weights, norm);
  const inner = (state: BlockState, weights: Weights) => {
    const [first, second] = into.map((name) => project(input(state, weights), weights, name));
    return second === undefined ? activate(first, config.activation) : gated(first, second, config.activation);
  };
  // The next stage computes the first linears itself: their outputs would be the largest activations kept.
  return [sharedInput({ linears: into, input, next: ({ hidden }) => ({ hidden }) }), added(out, inner, part)];
}

/** A linear whose outputs are added to the part. */
function added(linear: string, input: (state: BlockState, weights: Weights) => tf.Tensor3D, part: Part): Stage {
  return sharedInput({
    linears: [linear],
    input,
    next: ({ hidden }, given, weights) => ({
      hidden: part.replaced(hidden, tf.add(part.of(hidden), project(given, weights, linear))),
    }),
  });
}

function normed({ normEps }: ModelConfig, x: tf.Tensor3D, weights: Weights, name: string): tf.Tensor3D {
  return rmsNorm(x, weightOf(weights, name), normEps);
}
