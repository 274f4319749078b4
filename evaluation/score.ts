import { checkTokens } from "../models/forward.js";
import type { Model } from "../models/model.js";
import { PORTION_TOKENS } from "../study/rates.js";
import { automaticMemory } from "./memory.js";
import { type Pack, packAlone, packSequences } from "./packing.js";
import type { Sequence } from "./requests.js";
import { scorePacks } from "./score-packs.js";
import type { SequenceScore } from "./sequence-score.js";
import { requestKeys, type StoredScores } from "./stored-scores.js";

/** Tokens a row, a multiple of what `stableRows` rounds up to: products are near their fastest. Not part of the numerics. */
export const ROW_TOKENS = 1008;

export interface ScoreOptions {
  /** Bytes that scoring may take; by default a share of the machine's. No result depends on it. */
  memory?: number;
  /** Where scores are kept as they come: only sequences that are not there are scored. */
  stored?: StoredScores;
  /** Tokens that are through the model, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Scores sequences block by block, so that one block's weights are in memory. A sequence's result is the same bit for bit
 * whatever else is scored with it, before it or in what order. Of an encoder-decoder the encoder reads the tokens before those
 * that are scored, and the decoder gives these.
 * @throws TouchstoneError TokenizerMismatch for ids beyond the vocabulary; DiskFull; storage errors of `stored`
 */
export async function scoreSequences(
  model: Model,
  sequences: readonly Sequence[],
  { memory = automaticMemory(), stored, onProgress = () => {} }: ScoreOptions = {},
): Promise<SequenceScore[]> {
  checkTokens(
    model,
    sequences.map(({ tokens }) => tokens),
  );
  const keys = stored === undefined ? undefined : requestKeys(sequences);
  const known = await stored?.read();
  const scores = sequences.map((_, i): SequenceScore | undefined => known?.get(keys?.[i] ?? ""));
  const missing = scores.flatMap((score, i) => (score === undefined ? [i] : []));
  const asked = missing.map((index) => sequences[index]);
  const packs = model.config.encoderDecoder === undefined ? packSequences(asked, ROW_TOKENS) : packAlone(asked);
  const total = countTokens(packs);
  let done = 0;
  for (const portion of portionsOf(packs, stored === undefined ? Number.POSITIVE_INFINITY : PORTION_TOKENS)) {
    const report = (tokens: number) => onProgress(done + tokens, total);
    const found = await scorePacks(model, portion, { memory, report });
    const alone = poisoned(portion, found).flatMap((index) => aloneInRow(sequences[missing[index]], index));
    // No part of the total, but told: a step that is silent for long is taken for dead, and an abort is seen then.
    const again = await scorePacks(model, alone, { memory, report: () => report(countTokens(portion)) });
    for (const [index, score] of again) found.set(index, score);
    for (const [index, score] of found) scores[missing[index]] = score;
    if (stored !== undefined && keys !== undefined) {
      await stored.append(new Map(Array.from(found, ([index, score]) => [keys[missing[index]], score])));
    }
    done += countTokens(portion);
    onProgress(done, total);
  }
  return scores.map((score) => score ?? { loglikelihood: 0, greedy: true });
}

/** 0 * NaN is NaN, so what shares tokens with a sequence that overflows has to be scored alone. */
function poisoned(packs: readonly Pack[], scores: ReadonlyMap<number, SequenceScore>): number[] {
  return packs.flatMap(({ predictions }) => {
    const inRow = Array.from(new Set(predictions.map(({ sequence }) => sequence)));
    return inRow.length === 1 ? [] : inRow.filter((index) => !Number.isFinite(scores.get(index)?.loglikelihood));
  });
}

/** A sequence in a row of its own, which keeps its index among others. */
function aloneInRow(sequence: Sequence, index: number): Pack[] {
  return packSequences([sequence], Number.POSITIVE_INFINITY).map((pack) => ({
    ...pack,
    predictions: pack.predictions.map((prediction) => ({ ...prediction, sequence: index })),
  }));
}

/** Runs of packs with at most `tokens` tokens, or one pack. */
function portionsOf(packs: readonly Pack[], tokens: number): Pack[][] {
  const portions: Pack[][] = [];
  let left = 0;
  for (const pack of packs) {
    if (portions.length === 0 || pack.tokens.length > left) {
      portions.push([]);
      left = tokens;
    }
    portions.at(-1)?.push(pack);
    left -= pack.tokens.length;
  }
  return portions;
}

function countTokens(packs: readonly Pack[]): number {
  return packs.reduce((sum, { tokens }) => sum + tokens.length, 0);
}
