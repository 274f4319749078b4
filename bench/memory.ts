import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Sequence } from "../evaluation/requests.js";
import { scoreSequences } from "../evaluation/score.js";
import type { Progress } from "../infra/progress.js";
import { llama } from "../models/architectures/llama.js";
import type { HostWeights, Model } from "../models/model.js";
import { loadBackend } from "../tensor/backend.js";
import { secondsSince } from "./timing.js";

/** LLaMA-7B's shape (Touvron et al. 2023, table 2). */
const SHAPE = {
  ...{ architectures: ["LlamaForCausalLM"], model_type: "llama", vocab_size: 32_000, hidden_size: 4096 },
  ...{ intermediate_size: 11_008, num_attention_heads: 32, num_key_value_heads: 32, rms_norm_eps: 1e-6 },
  ...{ max_position_embeddings: 2048, tie_word_embeddings: false },
};

/** Values that are drawn; larger weights repeat them. */
const DRAWN = 2 ** 20;

export interface MemoryFigures {
  blocks: number;
  requests: number;
  tokens: number;
  /** Bytes that were asked for, and the most that the process had at a time. */
  memory: number;
  peak: number;
  seconds: number;
}

export interface MemoryOptions {
  /** Bytes. */
  memory: number;
  blocks: number;
  /** Of 4 choices each, with a context of 60 tokens. */
  records: number;
}

/** Scores requests with a model of LLaMA-7B's shape, whose weights are made a block at a time. For a process of its own. */
export async function benchMemory(
  { memory, blocks, records }: MemoryOptions,
  progress: Progress,
): Promise<MemoryFigures> {
  await loadBackend();
  const sequences = Array.from({ length: records }, (_, record) => makeRecord(record)).flat();
  const started = performance.now();
  let tokens = 0;
  await progress.step(
    "scoring with LLaMA-7B's shape",
    (report) =>
      scoreSequences(randomModel(blocks), sequences, {
        memory,
        onProgress: (done, total) => {
          tokens = total;
          report(done, total);
        },
      }),
    { unit: "tokens" },
  );
  // Kibibytes.
  const peak = process.resourceUsage().maxRSS * 1024;
  return { blocks, requests: sequences.length, tokens, memory, peak, seconds: secondsSince(started) };
}

function makeRecord(record: number): Sequence[] {
  const token = (i: number) => (record * 7919 + i * 104_729) % SHAPE.vocab_size;
  const context = Array.from({ length: 60 }, (_, i) => token(i));
  return Array.from({ length: 4 }, (_, choice) => ({
    tokens: Int32Array.from([...context, ...Array.from({ length: 6 }, (_, i) => token(100 + 10 * choice + i))]),
    from: context.length,
  }));
}

function randomModel(blocks: number): Model {
  const config = llama.readConfig({ ...SHAPE, num_hidden_layers: blocks }, "LLaMA-7B's shape");
  const make = makeWeights();
  return {
    path: "LLaMA-7B's shape",
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

/** Makes random weights of given shapes; always the same. */
export function makeWeights(): (shapes: ReadonlyMap<string, readonly number[]>) => HostWeights {
  const drawn = drawValues();
  return (shapes) => new Map(Array.from(shapes, ([name, shape]) => [name, { shape, data: repeated(drawn, shape) }]));
}

/** Uniform in -0.03 .. 0.03: activations stay of one size through blocks of this width. */
function drawValues(): Float32Array {
  const generator = xoroshiro128plus(0);
  return Float32Array.from({ length: DRAWN }, () => (0.06 * generator.next()) / 2 ** 32);
}

function repeated(drawn: Float32Array, shape: readonly number[]): Float32Array {
  const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
  for (let start = 0; start < data.length; start += drawn.length) {
    data.set(drawn.subarray(0, Math.min(drawn.length, data.length - start)), start);
  }
  return data;
}
