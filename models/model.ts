import type * as tf from "@tensorflow/tfjs-core";
import type { Tokenizer } from "./tokenizer.js";

/** How queries and keys are rotated. */
export interface Rope {
  /** Of each head the first dimensions, which are rotated with the position: 0 where positions are embedded. */
  rotaryDim: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
}

/** The keys of a Hugging Face `config.json` that the architectures need, in this project's spelling. */
export interface ModelConfig extends Rope {
  modelType: string;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  blocks: number;
  attentionHeads: number;
  keyValueHeads: number;
  headDim: number;
  activation: Activation;
  normEps: number;
  /** Tokens that one attends to at most, itself among them; null: all before it. */
  slidingWindow: number | null;
  /** The blocks that have the window, where that isn't all. */
  windowBlocks?: ReadonlySet<number>;
  /** How the blocks with the window rotate, where the others do otherwise. */
  windowRope?: Rope;
  /** Queries are divided by its root; headDim unless given. */
  queryScalar?: number;
  /** Scores of attention, and logits, are bent to stay below it in size: cap * tanh(score / cap). */
  attentionSoftcap?: number;
  logitSoftcap?: number;
  /** Names inside a block of the linears that have a bias, without their `.weight`. */
  biases: readonly string[];
  /** Of mixtures of experts. */
  experts?: ExpertsConfig;
  /** Of models whose first blocks are an encoder's, and whose others are a decoder's. */
  encoderDecoder?: EncoderDecoderConfig;
  maxPositionEmbeddings: number;
  tieWordEmbeddings: boolean;
  bosTokenId: number | null;
  eosTokenId: number | null;
  /** The configuration as read (or made from GGUF metadata), for writing a model folder. */
  huggingFace: Readonly<Record<string, unknown>>;
}

/** The feed-forward part of blocks where a router chooses some of several for each token. */
export interface ExpertsConfig {
  count: number;
  /** Experts that a token is routed to. */
  perToken: number;
  intermediateSize: number;
  /** Of the expert that every token goes through besides; null: there is none. */
  sharedIntermediateSize: number | null;
  /** Whether a token's shares of its experts are made to add up to 1. */
  normalized: boolean;
  /** Of each block whether it has experts; the others have one feed-forward part of the model's own `intermediateSize`. */
  blocks: readonly boolean[];
}

/** What sets an encoder-decoder apart. */
export interface EncoderDecoderConfig {
  encoderBlocks: number;
  /** What the decoder reads before all that it is to give. */
  startTokenId: number;
  /** Whether the feed-forward part has a gate. */
  gated: boolean;
  /** Classes of distances between tokens, each with a bias a head, and the distance from which on all are of one class. */
  buckets: number;
  maxDistance: number;
}

/** Of the feed-forward part. `gelu` is exact; `geluTanh` is its approximation (Hendrycks & Gimpel 2016, arXiv 1606.08415). */
export type Activation = "silu" | "gelu" | "geluTanh" | "relu";

export type RopeScaling = Llama3RopeScaling | { type: "linear"; factor: number };

export interface Llama3RopeScaling {
  type: "llama3";
  factor: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  originalMaxPositionEmbeddings: number;
}

/** A weight in ordinary memory: row-major float32. */
export interface HostTensor {
  shape: readonly number[];
  data: Float32Array;
  /** What it is stored as, as the file format names it, where that is known. */
  dtype?: string;
}

/** Weights by their name inside a block (`self_attn.q_proj.weight`) or in the model (`model.embed_tokens.weight`). */
export type HostWeights = ReadonlyMap<string, HostTensor>;
export type Weights = ReadonlyMap<string, tf.Tensor>;

/** What flows through a block: always `hidden [sequences, tokens, hiddenSize]`, and what a stage leaves for later ones. */
export interface BlockState {
  hidden: tf.Tensor3D;
  attention?: tf.Tensor3D;
  routing?: Routing;
}

/** Where a router sends rows, of which a chunk has one a token. Functions: what they give is on the host, and nothing to dispose. */
export interface Routing {
  /** The rows that an expert gets, ascending. */
  rows(expert: number): Int32Array;
  /** What its result counts for in each of them. */
  shares(expert: number): Float32Array;
  /** What the shared expert's result counts for, of every row; undefined where there is no such expert. */
  sharedShares(): Float32Array | undefined;
  /**
   * Of every row, where the result of its first, second, ... expert, in the experts' order, stands among the results of all, one
   * expert's rows after the other's.
   */
  places(choice: number): Int32Array;
}

/**
 * Sequences that share their beginnings, as one row of tokens: each token sees itself and the chain of its parents, and no other.
 * A parent stands before its children; -1 begins a sequence. Rows of hidden states may have padding after the tree's tokens.
 */
export interface TokenTree {
  parents: Int32Array;
  /** Of each token in its own sequence: the number of tokens before it. */
  positions: Int32Array;
  /** Of an encoder-decoder, for which a row is one sequence: the first tokens, which the encoder reads. */
  encoderTokens?: number;
}

/** Linears that share one input. */
export interface LinearGroup {
  /** Names inside the block, e.g. `self_attn.q_proj.weight` [out, in]. */
  readonly linears: readonly string[];
  /** Their input, [sequences, tokens, in]; that of an expert, to which only some tokens are routed, [1, rows, in], without rows also. */
  input(state: BlockState, weights: Weights): tf.Tensor3D;
}

/**
 * A step of a block's data flow: linears whose inputs don't depend on one another. Stages run in order; inputs and `next` must
 * use only linears of this stage (`next`) and earlier ones, so that a stage can be compressed before the next is reached
 * (`trueSequential`). A stage without linears prepares the state for those after it.
 */
export interface Stage {
  readonly groups: readonly LinearGroup[];
  /**
   * The state after these linears.
   * @param input what a group's `input()` returns for the same state, made when it is asked for
   */
  next(state: BlockState, input: (group: number) => tf.Tensor3D, weights: Weights): BlockState;
}

/** One file and one line in the registry an architecture. Functions are pure: they dispose nothing they were given. */
export interface Architecture {
  /** `model_type` in the configuration. */
  readonly modelType: string;
  /** @throws TouchstoneError InvalidModel for missing or wrong keys, UnsupportedArchitecture for variants that aren't implemented */
  readConfig(huggingFace: Readonly<Record<string, unknown>>, where: string): ModelConfig;
  /** Names inside block `index`, with their shapes. */
  blockShapes(config: ModelConfig, index: number): ReadonlyMap<string, readonly number[]>;
  /** The full checkpoint name of a weight inside block `index`. Blocks may share one, of which all give the same name. */
  blockWeightName(config: ModelConfig, index: number, name: string): string;
  embeddingShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]>;
  headShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]>;
  /** tokens int32 [sequences, tokens] -> [sequences, tokens, hiddenSize] */
  embed(config: ModelConfig, tokens: tf.Tensor2D, weights: Weights, tree?: TokenTree): tf.Tensor3D;
  /** The stages of block `index` for sequences of `tokens` tokens: causal, or where `tree` is given rows of that tree. */
  stages(config: ModelConfig, index: number, tokens: number, tree?: TokenTree): readonly Stage[];
  /** Final norm and output head: [n, hiddenSize] -> logits [vocabSize, n], as their product is fastest. */
  logits(config: ModelConfig, hidden: tf.Tensor2D, weights: Weights): tf.Tensor2D;
}

/** A model that is read block by block; nothing is held between calls. */
export interface Model {
  readonly path: string;
  /** Identity of the weights: hexadecimal SHA-256 over everything that determines them. */
  readonly digest: string;
  readonly config: ModelConfig;
  readonly architecture: Architecture;
  tokenizer(): Promise<Tokenizer>;
  embedding(): Promise<HostWeights>;
  /** @param without names inside the block that need not be read */
  block(index: number, without?: ReadonlySet<string>): Promise<HostWeights>;
  head(): Promise<HostWeights>;
  close(): Promise<void>;
}
