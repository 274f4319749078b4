import type { Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { toFigure } from "../study/figures.js";
import type { Evaluation } from "../study/results.js";
import { encodeText, prefixToken, type Sequence } from "./requests.js";
import type { RequestScore } from "./samples.js";
import { type ScoreOptions, scoreSequences } from "./score.js";
import { countWords } from "./text.js";

export interface RollingOptions extends ScoreOptions {
  /** Names the text in the results. */
  id: string;
  /** Tokens that the model reads at once, at most as many as it can; null: that many, as the harness has it. */
  length: number | null;
}

export interface RollingPerplexity {
  evaluation: Evaluation;
  /** One a window: `record` counts documents, `choice` a document's windows. */
  samples: RequestScore[];
  words: number;
  bytes: number;
}

/**
 * Word and byte perplexity, as lm-evaluation-harness 0.4 has them (`loglikelihood_rolling`): every token of every document is
 * scored once, after at least one token, and the sum is divided by the words (parts between white space, an empty one at an
 * end of the text included) or UTF-8 bytes of the documents as they are. `perplexity` is by token.
 * @throws TouchstoneError TokenizerMismatch where the tokenizer has neither BOS nor EOS to begin a document after
 */
export async function rollingPerplexity(
  model: Model,
  tokenizer: Tokenizer,
  documents: readonly string[],
  { id, length, ...options }: RollingOptions,
): Promise<RollingPerplexity> {
  const maxLength = Math.min(length ?? Number.POSITIVE_INFINITY, model.config.maxPositionEmbeddings);
  const windows = documents.flatMap((document, record) =>
    rollingWindows(encodeText(tokenizer, document, "auto"), prefixToken(tokenizer), maxLength).map(
      (window, choice) => ({ record, choice, window }),
    ),
  );
  const scores = await scoreSequences(
    model,
    windows.map(({ window }) => window),
    options,
  );
  const total = scores.reduce((sum, { loglikelihood }) => sum + loglikelihood, 0);
  const tokens = windows.reduce((sum, { window }) => sum + window.tokens.length - window.from, 0);
  const words = documents.reduce((sum, document) => sum + countWords(document), 0);
  const bytes = documents.reduce((sum, document) => sum + Buffer.byteLength(document), 0);
  return {
    evaluation: {
      ...{ id, kind: "perplexity", standardErrors: {}, count: tokens },
      metrics: {
        perplexity: toFigure(Math.exp(-total / tokens)),
        word_perplexity: toFigure(Math.exp(-total / words)),
        byte_perplexity: toFigure(Math.exp(-total / bytes)),
        bits_per_byte: toFigure(-total / bytes / Math.LN2),
      },
    },
    samples: windows.map(({ record, choice }, i) => ({ task: id, record, choice, ...scores[i] })),
    ...{ words, bytes },
  };
}

/**
 * A document's windows of at most `maxLength` read tokens: the first begins after the prefix token; each later one reads the
 * token before those that it scores, and the last as many before as there is room for.
 */
export function rollingWindows(tokens: Int32Array, prefix: number, maxLength: number): Sequence[] {
  const stream = Int32Array.from([prefix, ...tokens]);
  const windows: Sequence[] = [];
  for (let scored = 1; scored < stream.length; ) {
    const end = Math.min(scored + maxLength, stream.length);
    const start = Math.max(0, end - maxLength - 1);
    windows.push({ tokens: stream.subarray(start, end), from: scored - start });
    scored = end;
  }
  return windows;
}
