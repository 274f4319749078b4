import * as tf from "@tensorflow/tfjs-core";
import type { Architecture, BlockState, ModelConfig, Stage, TokenTree, Weights } from "../model.js";
import { rotaryTables, treeTables } from "../rotary.js";
import { causalAttention } from "./attention.js";
import { linear, projectToMany, rmsNorm, swiGlu, weightOf } from "./layers.js";
import { readLlamaConfig } from "./llama-config.js";
import { treeAttention } from "./tree-attention.js";

const EMBEDDING = "model.embed_tokens.weight";
const FINAL_NORM = "model.norm.weight";
const HEAD = "lm_head.weight";

const INPUT_NORM = "input_layernorm.weight";
const Q = "self_attn.q_proj.weight";
const K = "self_attn.k_proj.weight";
const V = "self_attn.v_proj.weight";
const O = "self_attn.o_proj.weight";
const MLP_NORM = "post_attention_layernorm.weight";
const GATE = "mlp.gate_proj.weight";
const UP = "mlp.up_proj.weight";
const DOWN = "mlp.down_proj.weight";

/** LLaMA 1 to 3, Vicuna, SmolLM2 and others of their form (Touvron et al. 2023, arXiv 2302.13971). */
export const llama: Architecture = {
  modelType: "llama",
  readConfig: readLlamaConfig,
  blockShapes: ({ hiddenSize, intermediateSize, attentionHeads, keyValueHeads, headDim }) =>
    new Map([
      [INPUT_NORM, [hiddenSize]],
      [Q, [attentionHeads * headDim, hiddenSize]],
      [K, [keyValueHeads * headDim, hiddenSize]],
      [V, [keyValueHeads * headDim, hiddenSize]],
      [O, [hiddenSize, attentionHeads * headDim]],
      [MLP_NORM, [hiddenSize]],
      [GATE, [intermediateSize, hiddenSize]],
      [UP, [intermediateSize, hiddenSize]],
      [DOWN, [hiddenSize, intermediateSize]],
    ]),
  blockWeightName: (index, name) => `model.layers.${index}.${name}`,
  embeddingShapes: ({ vocabSize, hiddenSize }) => new Map([[EMBEDDING, [vocabSize, hiddenSize]]]),
  headShapes: ({ vocabSize, hiddenSize, tieWordEmbeddings }) =>
    new Map([
      [FINAL_NORM, [hiddenSize]],
      [tieWordEmbeddings ? EMBEDDING : HEAD, [vocabSize, hiddenSize]],
    ]),
  embed: (_, tokens, weights) => tf.gather(weightOf(weights, EMBEDDING), tokens) as tf.Tensor3D,
  stages,
  logits: (config, hidden, weights) => {
    const normed = rmsNorm(hidden, weightOf(weights, FINAL_NORM), config.rmsNormEps);
    return projectToMany(normed, weightOf(weights, config.tieWordEmbeddings ? EMBEDDING : HEAD));
  },
};

function stages(config: ModelConfig, tokens: number, tree?: TokenTree): readonly Stage[] {
  const tables = tree === undefined ? rotaryTables(config, tokens) : treeTables(config, tree, tokens);
  const shape = { heads: config.attentionHeads, keyValueHeads: config.keyValueHeads, headDim: config.headDim };
  const attend = (q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) =>
    tree === undefined ? causalAttention(q, k, v, tables, shape) : treeAttention(q, k, v, tables, tree, shape);
  const norm = (hidden: tf.Tensor3D, weights: Weights, name: string) =>
    rmsNorm(hidden, weightOf(weights, name), config.rmsNormEps);

  return [
    {
      linears: [Q, K, V],
      input: ({ hidden }, weights) => norm(hidden, weights, INPUT_NORM),
      next: ({ hidden }, input, weights) => {
        const [q, k, v] = [Q, K, V].map((name) => linear(input, weightOf(weights, name)));
        return { hidden, attention: attend(q, k, v) };
      },
    },
    {
      linears: [O],
      input: attentionOf,
      next: ({ hidden }, input, weights) => ({ hidden: tf.add(hidden, linear(input, weightOf(weights, O))) }),
    },
    {
      linears: [GATE, UP],
      input: ({ hidden }, weights) => norm(hidden, weights, MLP_NORM),
      // The next stage computes these linears itself: their outputs would be the largest activations kept.
      next: ({ hidden }) => ({ hidden }),
    },
    {
      linears: [DOWN],
      input: ({ hidden }, weights) => {
        const normed = norm(hidden, weights, MLP_NORM);
        return swiGlu(linear(normed, weightOf(weights, GATE)), linear(normed, weightOf(weights, UP)));
      },
      next: ({ hidden }, input, weights) => ({ hidden: tf.add(hidden, linear(input, weightOf(weights, DOWN))) }),
    },
  ];
}

function attentionOf({ attention }: BlockState): tf.Tensor3D {
  if (attention === undefined) throw new RangeError("the attention stage has not run");
  return attention;
}
