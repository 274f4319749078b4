import { firstPredicted } from "../models/encoder-decoder.js";
import type { Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { TouchstoneError } from "../study/errors.js";
import { toFigure } from "../study/figures.js";
import type { Evaluation } from "../study/results.js";
import { standardError } from "./metrics.js";
import type { PerplexityInput } from "./perplexity-text.js";
import { encodeText, type Sequence } from "./requests.js";
import type { RequestScore } from "./samples.js";
import { type ScoreOptions, scoreSequences } from "./score.js";
import type { SequenceScore } from "./sequence-score.js";

export interface TokenPerplexity {
  /** exp of the mean negative log-likelihood of a predicted token. */
  perplexity: number;
  /** Predicted tokens: of each window one fewer than it has; of an encoder-decoder's those that its encoder doesn't read. */
  tokens: number;
  /** Of each window: summed over its predicted tokens, natural logarithm. */
  negativeLogLikelihoods: Float64Array;
}

/**
 * A text as windows of `length` tokens, cut from one stream of tokens: BOS, if any, stands at the stream's start only. The tail
 * that fills no window is dropped.
 * @param limit windows at most, from the beginning; null: all
 * @throws TouchstoneError InvalidData for a text shorter than one window
 */
export function textWindows(
  text: string,
  tokenizer: Tokenizer,
  length: number,
  limit: number | null,
  { where = "the text" }: { where?: string } = {},
): Int32Array[] {
  const stream = encodeText(tokenizer, text, "auto");
  const windows = Math.min(Math.floor(stream.length / length), limit ?? Number.POSITIVE_INFINITY);
  if (windows < 1) {
    throw new TouchstoneError("InvalidData", {
      what: `The text has ${stream.length} tokens, less than one window of ${length}`,
      where,
      todo: "Give a longer text or shorter windows.",
    });
  }
  return Array.from({ length: windows }, (_, i) => stream.subarray(i * length, (i + 1) * length));
}

/** A text's windows as `textWindows` cuts them; windows of token ids as they are, whatever `length` is. @throws as textWindows */
export function windowsOf(
  input: PerplexityInput,
  tokenizer: Tokenizer,
  length: number,
  limit: number | null,
  options: { where?: string } = {},
): readonly Int32Array[] {
  if ("text" in input) return textWindows(input.text, tokenizer, length, limit, options);
  return input.windows.slice(0, limit ?? undefined);
}

/**
 * Token perplexity as the compression papers report it (e.g. Frantar et al. 2022, arXiv 2210.17323, section 5): each window is
 * scored alone, and the mean is over all predicted tokens. An encoder-decoder reads the first half of a window with its encoder,
 * and its decoder is to give the second: figures are not to be compared with those of decoders.
 * @param windows at least two tokens each
 * @throws TouchstoneError TokenizerMismatch for ids beyond the vocabulary
 */
export async function tokenPerplexity(
  model: Model,
  windows: readonly Int32Array[],
  options: ScoreOptions = {},
): Promise<TokenPerplexity> {
  const sequences = sequencesOf(model, windows);
  return summarize(sequences, await scoreSequences(model, sequences, options));
}

export interface PerplexityOptions extends ScoreOptions {
  /** Names the text in the results. */
  id: string;
}

/**
 * The token perplexity of windows of one length, as an evaluation and one sample a window.
 * @throws as tokenPerplexity
 */
export async function evaluatePerplexity(
  model: Model,
  windows: readonly Int32Array[],
  { id, ...options }: PerplexityOptions,
): Promise<{ evaluation: Evaluation; samples: RequestScore[] }> {
  const sequences = sequencesOf(model, windows);
  const scores = await scoreSequences(model, sequences, options);
  const { perplexity, tokens, negativeLogLikelihoods } = summarize(sequences, scores);
  // Windows are of one length, so the mean over them is that over tokens; the error is by the delta method.
  const perToken = Array.from(negativeLogLikelihoods, (sum, i) => sum / countPredicted(sequences[i]));
  return {
    evaluation: {
      id,
      kind: "perplexity",
      metrics: { perplexity: toFigure(perplexity) },
      standardErrors: windows.length < 2 ? {} : { perplexity: toFigure(perplexity * standardError(perToken)) },
      count: tokens,
    },
    samples: scores.map((score, record) => ({ task: id, record, choice: 0, ...score })),
  };
}

function sequencesOf(model: Model, windows: readonly Int32Array[]): Sequence[] {
  return windows.map((tokens) => ({ tokens, from: firstPredicted(model, tokens.length) }));
}

function countPredicted({ tokens, from }: Sequence): number {
  return tokens.length - from;
}

function summarize(sequences: readonly Sequence[], scores: readonly SequenceScore[]): TokenPerplexity {
  const negativeLogLikelihoods = Float64Array.from(scores, ({ loglikelihood }) => -loglikelihood);
  const tokens = sequences.reduce((sum, sequence) => sum + countPredicted(sequence), 0);
  const total = negativeLogLikelihoods.reduce((sum, value) => sum + value, 0);
  return { perplexity: Math.exp(total / tokens), tokens, negativeLogLikelihoods };
}
