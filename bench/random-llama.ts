import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Sequence } from "../evaluation/requests.js";
import { llama } from "../models/architectures/llama.js";
import type { HostWeights, Model } from "../models/model.js";

/** What sets the sizes of LLaMA apart. */
export interface LlamaShape {
  name: string;
  hidden: number;
  intermediate: number;
  heads: number;
  blocks: number;
}

/** Touvron et al. 2023 (arXiv 2302.13971), table 2. */
export const LLAMA_7B: LlamaShape = { name: "LLaMA-7B", hidden: 4096, intermediate: 11_008, heads: 32, blocks: 32 };
export const LLAMA_13B: LlamaShape = { name: "LLaMA-13B", hidden: 5120, intermediate: 13_824, heads: 40, blocks: 40 };

const VOCABULARY = 32_000;

/** Values that are drawn; larger weights repeat them. */
const DRAWN = 2 ** 20;

/** A model of the shape, whose weights are made a block at a time. */
export function randomModel({ name, hidden, intermediate, heads }: LlamaShape, blocks: number): Model {
  const config = llama.readConfig(
    {
      ...{ architectures: ["LlamaForCausalLM"], model_type: "llama", vocab_size: VOCABULARY, hidden_size: hidden },
      ...{ intermediate_size: intermediate, num_attention_heads: heads, num_key_value_heads: heads },
      ...{ rms_norm_eps: 1e-6, max_position_embeddings: 2048, tie_word_embeddings: false, num_hidden_layers: blocks },
    },
    `${name}'s shape`,
  );
  const make = makeWeights();
  return {
    path: `${name}'s shape`,
    digest: "",
    config,
    architecture: llama,
    tokenizer: () => Promise.reject(new RangeError("random weights have no tokenizer")),
    embedding: async () => make(llama.embeddingShapes(config)),
    block: async (index) => make(llama.blockShapes(config, index)),
    head: async () => make(llama.headShapes(config)),
    close: async () => {},
  };
}

/** Ids that are spread over the vocabulary, others for another row. */
export function randomTokens(row: number, length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => (row * 7919 + i * 104_729) % VOCABULARY);
}

/** Requests of records of 4 choices, each with a context of 60 tokens. */
export function randomRecords(count: number): Sequence[] {
  return Array.from({ length: count }, (_, record) => randomRecord(record)).flat();
}

function randomRecord(record: number): Sequence[] {
  const tokens = randomTokens(record, 200);
  const context = tokens.subarray(0, 60);
  return Array.from({ length: 4 }, (_, choice) => ({
    tokens: Int32Array.from([...context, ...tokens.subarray(100 + 10 * choice, 106 + 10 * choice)]),
    from: context.length,
  }));
}

/** Activations stay of one size through blocks as wide as LLaMA-7B's. */
const SPREAD = 0.03;

/**
 * Makes random weights of given shapes; always the same of a seed.
 * @param spread they are uniform in -spread .. spread
 */
export function makeWeights(
  seed = 0,
  spread = SPREAD,
): (shapes: ReadonlyMap<string, readonly number[]>) => HostWeights {
  const drawn = drawValues(seed, spread);
  return (shapes) => new Map(Array.from(shapes, ([name, shape]) => [name, { shape, data: repeated(drawn, shape) }]));
}

function drawValues(seed: number, spread: number): Float32Array {
  const generator = xoroshiro128plus(seed);
  return Float32Array.from({ length: DRAWN }, () => (2 * spread * generator.next()) / 2 ** 32);
}

function repeated(drawn: Float32Array, shape: readonly number[]): Float32Array {
  const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
  for (let start = 0; start < data.length; start += drawn.length) {
    data.set(drawn.subarray(0, Math.min(drawn.length, data.length - start)), start);
  }
  return data;
}
