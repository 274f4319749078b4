import { type Component, GPT2_PATTERN, isolate } from "./pre-tokenizers.js";

/** What `tokenizer.ggml.pre` stands for: how text is cut before merging, and what else such tokenizers do. */
export interface GgufPreTokenizer {
  /** Patterns, applied one after the other to the pieces that the ones before leave. */
  patterns: readonly string[];
  /** Pieces that are tokens themselves are not merged together from their bytes. */
  ignoreMerges: boolean;
  /** Where the metadata don't say whether BOS is put first. */
  addsBos: boolean;
}

const LLAMA3_PATTERN = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const QWEN2_PATTERN = LLAMA3_PATTERN.replace("{1,3}", "");
const TEKKEN_PATTERN = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

const gpt2 = { patterns: [GPT2_PATTERN], ignoreMerges: false, addsBos: false };
const digits = { ...gpt2, patterns: [String.raw`\p{N}`, GPT2_PATTERN] };
const llama3 = { patterns: [LLAMA3_PATTERN], ignoreMerges: true, addsBos: true };
const qwen2 = { ...gpt2, patterns: [QWEN2_PATTERN] };
const tekken = { patterns: [TEKKEN_PATTERN], ignoreMerges: true, addsBos: true };
const falcon = {
  ...gpt2,
  patterns: ["[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2_PATTERN, "[0-9][0-9][0-9]"],
};
/** For files converted before pre-tokenizers had names. */
const unnamed = {
  ...gpt2,
  patterns: [String.raw`[\p{P}\$\+<=>\^~\|]+`, GPT2_PATTERN, String.raw`\p{N}+`, "[0-9][0-9][0-9]"],
};

/** By name, as llama.cpp has them (src/llama-vocab.cpp); the patterns are those of the models' own `tokenizer.json`. */
export const GGUF_PRE_TOKENIZERS: Readonly<Record<string, GgufPreTokenizer>> = {
  default: unnamed,
  "gpt-2": gpt2,
  "phi-2": gpt2,
  olmo: gpt2,
  mpt: gpt2,
  smollm: digits,
  starcoder: digits,
  refact: digits,
  "command-r": digits,
  codeshell: digits,
  llama3,
  "llama-v3": llama3,
  "llama-bpe": llama3,
  falcon3: llama3,
  pixtral: llama3,
  qwen2,
  "deepseek-r1-qwen": qwen2,
  stablelm2: qwen2,
  tekken,
  falcon,
};

/** The pre-tokenizer as a component of `tokenizer.json`: cut, then write bytes as characters. */
export function preTokenizerComponent({ patterns }: GgufPreTokenizer): Component {
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };
  return { type: "Sequence", pretokenizers: [...patterns.map(isolate), bytes] };
}
