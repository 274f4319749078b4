/** What a model's size says about the work of a study. */
export interface ModelSize {
  /** All weights, embeddings and head included. */
  parameters: number;
  /** Those that a token is multiplied with, where that isn't all: of mixtures of experts. */
  active?: number;
  /** Weights of the largest matrix outside the blocks; all that are outside, unless it is there. */
  outside?: number;
  hiddenSize: number;
  blocks: number;
  /** The linears of one block, [rows = output channels, columns = inputs]. */
  linears: readonly (readonly [rows: number, columns: number])[];
}

interface Dimensions {
  hidden: number;
  intermediate: number;
  blocks: number;
  /** Output channels of the key and of the value projection, where there are fewer than `hidden`. */
  keyValue?: number;
  vocabulary: number;
  tied?: true;
}

/** Families by the name that a model's id or path holds; sizes as in their published configurations. */
const families: readonly { name: RegExp; gated: boolean; sizes: Readonly<Record<string, Dimensions>> }[] = [
  {
    // LLaMA (arXiv 2302.13971, table 2) and Vicuna, which is LLaMA fine-tuned.
    name: /llama|vicuna/i,
    gated: true,
    sizes: {
      "7b": { hidden: 4096, intermediate: 11008, blocks: 32, vocabulary: 32000 },
      "13b": { hidden: 5120, intermediate: 13824, blocks: 40, vocabulary: 32000 },
      "30b": { hidden: 6656, intermediate: 17920, blocks: 60, vocabulary: 32000 },
      "33b": { hidden: 6656, intermediate: 17920, blocks: 60, vocabulary: 32000 },
    },
  },
  {
    // OPT (arXiv 2205.01068, table 1).
    name: /opt/i,
    gated: false,
    sizes: {
      "6.7b": { hidden: 4096, intermediate: 16384, blocks: 32, vocabulary: 50272, tied: true },
      "13b": { hidden: 5120, intermediate: 20480, blocks: 40, vocabulary: 50272, tied: true },
      "30b": { hidden: 7168, intermediate: 28672, blocks: 48, vocabulary: 50272, tied: true },
    },
  },
  {
    name: /smollm2/i,
    gated: true,
    sizes: {
      "135m": { hidden: 576, intermediate: 1536, blocks: 30, keyValue: 192, vocabulary: 49152, tied: true },
    },
  },
];

/** The size of a model that is known by its name, such as `vicuna-13b`; undefined for others. */
export function knownModelSize(name: string): ModelSize | undefined {
  for (const family of families) {
    if (!family.name.test(name)) continue;
    const size = Object.keys(family.sizes).find((label) =>
      new RegExp(`(?<![\\d.])${label}(?![a-z\\d])`, "i").test(name),
    );
    if (size !== undefined) return sizeOf(family.sizes[size], family.gated);
  }
  return undefined;
}

function sizeOf(dimensions: Dimensions, gated: boolean): ModelSize {
  const { hidden, intermediate, blocks, keyValue = hidden, vocabulary, tied } = dimensions;
  const up = [intermediate, hidden] as const;
  const linears = [
    ...([
      [hidden, hidden],
      [keyValue, hidden],
      [keyValue, hidden],
      [hidden, hidden],
    ] as const),
    ...(gated ? [up, up] : [up]),
    [hidden, intermediate] as const,
  ];
  const inBlock = linears.reduce((sum, [rows, columns]) => sum + rows * columns, 0);
  return { parameters: blocks * inBlock + (tied ? 1 : 2) * vocabulary * hidden, hiddenSize: hidden, blocks, linears };
}

/**
 * Records of each task's split on the hub, and about how many tokens a record's context and choices have together: what a
 * plan counts with where the records can't be reached.
 */
export const knownTasks: Readonly<Record<string, { records: number; tokensPerRecord: number }>> = {
  arc_challenge: { records: 1172, tokensPerRecord: 64 },
  arc_easy: { records: 2376, tokensPerRecord: 58 },
  boolq: { records: 3270, tokensPerRecord: 155 },
  hellaswag: { records: 10042, tokensPerRecord: 190 },
  openbookqa: { records: 500, tokensPerRecord: 36 },
  piqa: { records: 1838, tokensPerRecord: 60 },
  rte: { records: 277, tokensPerRecord: 80 },
  storycloze_2016: { records: 1871, tokensPerRecord: 70 },
  winogrande: { records: 1267, tokensPerRecord: 56 },
  lambada_openai: { records: 5153, tokensPerRecord: 88 },
  lambada_standard: { records: 5153, tokensPerRecord: 88 },
  // Other languages take more tokens of tokenizers that are made for English.
  ...inLanguages("xnli", "ar bg de el en es fr hi ru sw th tr ur vi zh", { records: 2490, tokensPerRecord: 200 }),
  ...inLanguages("xcopa", "et ht id it qu sw ta th tr vi zh", { records: 500, tokensPerRecord: 60 }),
  ...inLanguages("xstorycloze", "ar en es eu hi id my ru sw te zh", { records: 1511, tokensPerRecord: 150 }),
  ...inLanguages("lambada_openai_mt", "de en es fr it", { records: 5153, tokensPerRecord: 130 }),
  ...inLanguages("lambada_openai_mt_stablelm", "de en es fr it nl pt", { records: 5153, tokensPerRecord: 130 }),
};

function inLanguages<T>(task: string, languages: string, size: T): Record<string, T> {
  return Object.fromEntries(languages.split(" ").map((language) => [`${task}_${language}`, size]));
}

/** Tokens of WikiText-2's test part with LLaMA's tokenizer, roughly: taken for a perplexity text that can't be reached. */
export const KNOWN_PERPLEXITY_TOKENS = 340_000;
