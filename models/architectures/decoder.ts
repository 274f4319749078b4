import * as tf from "@tensorflow/tfjs-core";
import type { Architecture, ModelConfig, Stage, Weights } from "../model.js";
import { type Attend, attentionOf, attentionOver } from "./attend.js";
import {
  ATTENTION_OUTPUT_NORM,
  DOWN,
  GATE,
  GATE_UP,
  INPUT_NORM,
  K,
  K_NORM,
  MLP_INPUT_NORM,
  MLP_NORM,
  MLP_OUTPUT_NORM,
  O,
  Q,
  Q_NORM,
  QKV,
  UP,
  V,
} from "./decoder-names.js";
import { type ExpertNames, expertShapes, expertStages } from "./experts.js";
import { biasOf, gated, project, projectToMany, rmsNorm, softcapped, weightOf } from "./layers.js";
import { type SharedInputStage, sharedInput } from "./shared-input.js";

const EMBEDDING = "model.embed_tokens.weight";
const FINAL_NORM = "model.norm.weight";
const HEAD = "lm_head.weight";

/** What sets a family apart from LLaMA; where its configuration says it, it is in the ModelConfig. */
export interface DecoderForm {
  readConfig: Architecture["readConfig"];
  /** Queries and keys are normalized, each head by itself, before they are rotated. */
  headNorms?: boolean;
  /** q, k and v are one linear, and gate and up another. */
  joined?: boolean;
  /** What attention and the feed-forward part give is normalized before it is added. */
  outputNorms?: boolean;
  /** The weights of experts, in the blocks that have them. */
  experts?: ExpertNames;
  /** Norms multiply by 1 + weight. */
  offsetNorms?: boolean;
  /** Embeddings are multiplied by the square root of their size. */
  scaledEmbedding?: boolean;
}

/** A decoder of LLaMA's form: norm, attention, norm, gated feed-forward, each added to what came in. */
export function decoder(modelType: string, form: DecoderForm): Architecture {
  const norm = <T extends tf.Tensor>(x: T, weights: Weights, name: string, eps: number): T => {
    const weight = weightOf(weights, name);
    return rmsNorm(x, form.offsetNorms ? tf.add(weight, 1) : weight, eps);
  };
  return {
    modelType,
    readConfig: form.readConfig,
    blockShapes: (config, index) => blockShapes(config, form, index),
    blockWeightName: (_, index, name) => `model.layers.${index}.${name}`,
    embeddingShapes: ({ vocabSize, hiddenSize }) => new Map([[EMBEDDING, [vocabSize, hiddenSize]]]),
    headShapes: ({ vocabSize, hiddenSize, tieWordEmbeddings }) =>
      new Map([
        [FINAL_NORM, [hiddenSize]],
        [tieWordEmbeddings ? EMBEDDING : HEAD, [vocabSize, hiddenSize]],
      ]),
    embed: ({ hiddenSize }, tokens, weights) => {
      const embedded = tf.gather(weightOf(weights, EMBEDDING), tokens) as tf.Tensor3D;
      return form.scaledEmbedding ? tf.mul(embedded, Math.sqrt(hiddenSize)) : embedded;
    },
    stages: (config, index, tokens, tree) =>
      stages(config, form, norm, index, attentionOver(config, index, tokens, tree)),
    logits: (config, hidden, weights) => {
      const normed = norm(hidden, weights, FINAL_NORM, config.normEps);
      const logits = projectToMany(normed, weightOf(weights, config.tieWordEmbeddings ? EMBEDDING : HEAD));
      return softcapped(logits, config.logitSoftcap);
    },
  };
}

type Norm = <T extends tf.Tensor>(x: T, weights: Weights, name: string, eps: number) => T;

function widths({ attentionHeads, keyValueHeads, headDim }: ModelConfig) {
  return { queries: attentionHeads * headDim, keys: keyValueHeads * headDim };
}

function blockShapes(config: ModelConfig, form: DecoderForm, index: number): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize, intermediateSize, headDim, biases } = config;
  const { queries, keys } = widths(config);
  const into: (readonly [string, readonly number[]])[] = form.joined
    ? [[QKV, [queries + 2 * keys, hiddenSize]]]
    : [
        [Q, [queries, hiddenSize]],
        [K, [keys, hiddenSize]],
        [V, [keys, hiddenSize]],
      ];
  const gates: (readonly [string, readonly number[]])[] = form.joined
    ? [[GATE_UP, [2 * intermediateSize, hiddenSize]]]
    : [
        [GATE, [intermediateSize, hiddenSize]],
        [UP, [intermediateSize, hiddenSize]],
      ];
  const feedForward = [...gates, [DOWN, [hiddenSize, intermediateSize]] as const];
  const names = expertsIn(config, form, index);
  const linears = new Map<string, readonly number[]>([
    ...into,
    [O, [hiddenSize, queries]],
    ...(names === undefined ? feedForward : expertShapes(config, names)),
  ]);
  const norms = form.outputNorms ? [ATTENTION_OUTPUT_NORM, MLP_INPUT_NORM, MLP_OUTPUT_NORM] : [MLP_NORM];
  const headNorms = [Q_NORM, K_NORM].map((name) => [name, [headDim]] as const);
  return new Map([
    [INPUT_NORM, [hiddenSize]],
    ...linears,
    ...biases.map((name) => [biasOf(name), [linears.get(name)![0]]] as const),
    ...(form.headNorms ? headNorms : []),
    ...norms.map((name) => [name, [hiddenSize]] as const),
  ]);
}

/** The experts of block `index`; undefined where it has none. */
function expertsIn({ experts }: ModelConfig, form: DecoderForm, index: number): ExpertNames | undefined {
  return experts?.blocks[index] ? form.experts : undefined;
}

function stages(config: ModelConfig, form: DecoderForm, norm: Norm, index: number, attend: Attend): Stage[] {
  const { normEps, intermediateSize, activation } = config;
  const { queries, keys } = widths(config);
  const [into, gates] = form.joined
    ? [[QKV], [GATE_UP]]
    : [
        [Q, K, V],
        [GATE, UP],
      ];
  /** Outputs of linears of one input, in pieces of the given widths. */
  const outputs = (input: tf.Tensor3D, weights: Weights, names: readonly string[], sizes: number[]): tf.Tensor3D[] =>
    form.joined
      ? tf.split(project(input, weights, names[0]), sizes, 2)
      : names.map((name) => project(input, weights, name));
  const headNorm = (x: tf.Tensor3D, weights: Weights, name: string): tf.Tensor3D => {
    if (!form.headNorms) return x;
    const heads = tf.reshape(x, [-1, config.headDim]);
    return tf.reshape(norm(heads, weights, name, normEps), x.shape);
  };
  const mlpNorm = form.outputNorms ? MLP_INPUT_NORM : MLP_NORM;
  const mlpInput = ({ hidden }: { hidden: tf.Tensor3D }, weights: Weights) => norm(hidden, weights, mlpNorm, normEps);
  /** `hidden` and what a part gave; `name` is of the norm between, where there is one. */
  const sum = (hidden: tf.Tensor3D, output: tf.Tensor3D, weights: Weights, name: string): tf.Tensor3D =>
    tf.add(hidden, form.outputNorms ? norm(output, weights, name, normEps) : output);

  const attention: SharedInputStage[] = [
    {
      linears: into,
      input: ({ hidden }, weights) => norm(hidden, weights, INPUT_NORM, normEps),
      next: ({ hidden }, input, weights) => {
        const [q, k, v] = outputs(input, weights, into, [queries, keys, keys]);
        return { hidden, attention: attend(headNorm(q, weights, Q_NORM), headNorm(k, weights, K_NORM), v) };
      },
    },
    {
      linears: [O],
      input: attentionOf,
      next: ({ hidden }, input, weights) => ({
        hidden: sum(hidden, project(input, weights, O), weights, ATTENTION_OUTPUT_NORM),
      }),
    },
  ];
  const feedForward: SharedInputStage[] = [
    {
      linears: gates,
      input: mlpInput,
      // The next stage computes these linears itself: their outputs would be the largest activations kept.
      next: ({ hidden }) => ({ hidden }),
    },
    {
      linears: [DOWN],
      input: (state, weights) => {
        const [gate, up] = outputs(mlpInput(state, weights), weights, gates, [intermediateSize, intermediateSize]);
        return gated(gate, up, activation);
      },
      next: ({ hidden }, input, weights) => ({
        hidden: sum(hidden, project(input, weights, DOWN), weights, MLP_OUTPUT_NORM),
      }),
    },
  ];
  const names = expertsIn(config, form, index);
  return [
    ...attention.map(sharedInput),
    ...(names === undefined ? feedForward.map(sharedInput) : expertStages(config, names, mlpInput)),
  ];
}
