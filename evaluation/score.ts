import * as tf from "@tensorflow/tfjs-core";
import { checkTokens, disposeAll, runBlock, toTensors } from "../models/forward.js";
import type { Model } from "../models/model.js";
import { scoreTargets } from "./log-softmax.js";
import { type Pack, type Prediction, packSequences } from "./packing.js";
import type { Sequence } from "./requests.js";

/**
 * Tokens a row. Part of the numerics: another number gives other roundings. On two cores 384 to 512 cost the least time a
 * token (135M parameters); from 448 on, the products' roundings were larger.
 */
const ROW_TOKENS = 384;

/** Bytes of activations kept between blocks. Models are read once for each such portion. */
const MEMORY = 2 ** 30;

export interface SequenceScore {
  /** Sum over the scored tokens of their log-probabilities (natural logarithm); 0 where there are none. */
  loglikelihood: number;
  /** Whether each scored token was the most probable one. */
  greedy: boolean;
}

export interface ScoreOptions {
  /** Bytes of activations kept between blocks. */
  memory?: number;
  /** Tokens that are through the model, of how many. */
  onProgress?: (done: number, total: number) => void;
}

/**
 * Scores sequences in one pass over the model, block by block, so that one block's weights are in memory. The result of a
 * sequence does not depend on the others beyond rounding, and not at all on their order.
 * @throws TouchstoneError TokenizerMismatch for ids beyond the vocabulary
 */
export async function scoreSequences(
  model: Model,
  sequences: readonly Sequence[],
  { memory = MEMORY, onProgress = () => {} }: ScoreOptions = {},
): Promise<SequenceScore[]> {
  checkTokens(
    model,
    sequences.map(({ tokens }) => tokens),
  );
  const packs = packSequences(sequences, ROW_TOKENS);
  const scores = sequences.map((): SequenceScore => ({ loglikelihood: 0, greedy: true }));
  await scorePacks(model, packs, scores, memory, onProgress);
  const tainted = sequencesToRepeat(packs, scores);
  const alone = tainted.flatMap((index) => aloneInRow(sequences[index], index));
  for (const index of tainted) scores[index] = { loglikelihood: 0, greedy: true };
  await scorePacks(model, alone, scores, memory, onProgress);
  return scores;
}

/** NaN passes the mask (0 * NaN is NaN), so what shares a row with a sequence that overflows has to be scored alone. */
function sequencesToRepeat(packs: readonly Pack[], scores: readonly SequenceScore[]): number[] {
  return packs.flatMap(({ predictions }) => {
    const inRow = Array.from(new Set(predictions.map(({ sequence }) => sequence)));
    return inRow.length === 1 ? [] : inRow.filter((index) => !Number.isFinite(scores[index].loglikelihood));
  });
}

function aloneInRow(sequence: Sequence, index: number): Pack[] {
  const packs = packSequences([sequence], Number.POSITIVE_INFINITY);
  return packs.map((pack) => ({
    ...pack,
    predictions: pack.predictions.map((prediction) => ({ ...prediction, sequence: index })),
  }));
}

/** Adds each prediction to its sequence's score. */
async function scorePacks(
  model: Model,
  packs: readonly Pack[],
  scores: SequenceScore[],
  memory: number,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const total = countTokens(packs);
  let done = 0;
  for (const portion of portionsOf(packs, memory / (model.config.hiddenSize * Float32Array.BYTES_PER_ELEMENT))) {
    const hidden = await walk(model, portion, (share) => onProgress(Math.floor(done + share), total));
    const predictions = portion.flatMap((pack) => pack.predictions);
    const head = toTensors(await model.head());
    const tokenScores = await scoreTargets(model, head, hidden, targetsOf(portion));
    disposeAll(head);
    hidden.dispose();
    tokenScores.forEach(({ logProbability, greedy }, i) => {
      const score = scores[predictions[i].sequence];
      score.loglikelihood += logProbability;
      score.greedy &&= greedy;
    });
    done += countTokens(portion);
    onProgress(done, total);
  }
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

/**
 * Takes the packs through all blocks.
 * @param onShare told how many tokens' worth of the work is done
 * @returns [places that predict, hiddenSize], pack after pack; the caller disposes it
 */
async function walk(model: Model, packs: readonly Pack[], onShare: (tokens: number) => void): Promise<tf.Tensor2D> {
  const { config, architecture } = model;
  const embedding = toTensors(await model.embedding());
  const rows = packs.map(({ tokens, tree }) =>
    tf.tidy(() => architecture.embed(config, tf.tensor2d(tokens, [1, tokens.length], "int32"), embedding, tree)),
  );
  disposeAll(embedding);
  let steps = 0;
  for (let index = 0; index < config.blocks; index++) {
    const weights = toTensors(await model.block(index));
    for (const [i, row] of rows.entries()) {
      rows[i] = runBlock(model, weights, row, packs[i].tree);
      row.dispose();
      steps += row.shape[1];
    }
    disposeAll(weights);
    onShare(steps / (config.blocks + 1));
  }
  const predicting = tf.tidy(() =>
    tf.concat(rows.map((row, i) => tf.gather(tf.squeeze<tf.Tensor2D>(row, [0]), placesOf(packs[i].predictions)))),
  );
  tf.dispose(rows);
  return predicting;
}

/** The different places of predictions in ascending order. */
function placesOf(predictions: readonly Prediction[]): number[] {
  return Array.from(new Set(predictions.map(({ place }) => place)));
}

function targetsOf(packs: readonly Pack[]): { row: number; token: number }[] {
  let row = -1;
  return packs.flatMap(({ predictions }) =>
    predictions.map(({ place, token }, i) => {
      if (i === 0 || predictions[i - 1].place !== place) row++;
      return { row, token };
    }),
  );
}

function countTokens(packs: readonly Pack[]): number {
  return packs.reduce((sum, { tokens }) => sum + tokens.length, 0);
}
