import * as tf from "@tensorflow/tfjs-core";
import type { Model, Weights } from "../models/model.js";

/** Logits at once: 32 MiB of them stay below what the allocator gives back to the system and then asks for anew. */
const LOGITS = 2 ** 23;

/** A token whose probability is asked for, at a row of the hidden states. */
export interface Target {
  row: number;
  token: number;
}

export interface TokenScore {
  logProbability: number;
  /** Whether it is the most probable token, the first of equals. */
  greedy: boolean;
}

/**
 * Log-softmax of the head's outputs at the targets, in the targets' order; [rows, vocabSize] never leaves the backend.
 * @param hidden [1, rows, hiddenSize], the last block's outputs; `rows` is a multiple of 16
 * @param targets by ascending row
 */
export async function scoreTargets(
  model: Model,
  head: Weights,
  hidden: tf.Tensor3D,
  targets: readonly Target[],
): Promise<TokenScore[]> {
  const scores: TokenScore[] = [];
  const most = 16 * Math.max(1, Math.floor(LOGITS / model.config.vocabSize / 16));
  for (let start = 0; start < hidden.shape[1]; start += most) {
    const end = Math.min(start + most, hidden.shape[1]);
    const part: Target[] = [];
    for (let i = scores.length; i < targets.length && targets[i].row < end; i++) part.push(targets[i]);
    if (part.length > 0) scores.push(...(await scoreRows(model, head, hidden, start, end, part)));
  }
  return scores;
}

/** Targets in rows start .. end - 1. */
async function scoreRows(
  model: Model,
  head: Weights,
  hidden: tf.Tensor3D,
  start: number,
  end: number,
  targets: readonly Target[],
): Promise<TokenScore[]> {
  const { logits, shifted, sums } = tf.tidy(() => {
    const rows = tf.squeeze<tf.Tensor2D>(tf.slice(hidden, [0, start, 0], [1, end - start, -1]), [0]);
    const logits = model.architecture.logits(model.config, rows, head);
    const below = tf.sub(logits, tf.max(logits, 1, true));
    const places = targets.flatMap(({ row, token }) => [row - start, token]);
    const shifted = tf.gatherND(below, tf.tensor2d(places, [targets.length, 2], "int32")) as tf.Tensor1D;
    return { logits, shifted, sums: tf.sum(tf.exp(below), 1) as tf.Tensor1D };
  });
  const [differences, totals] = [await shifted.data<"float32">(), await sums.data<"float32">()];
  // Few targets are the largest of their row, and only there does it matter which of equals comes first.
  const largest = targets.filter((_, i) => differences[i] === 0).map(({ row }) => row - start);
  const best = await firstOfLargest(logits, largest);
  tf.dispose([logits, shifted, sums]);
  return targets.map(({ row, token }, i) => ({
    // In double precision: single is off by more than all of the model's layers are.
    logProbability: differences[i] - Math.log(totals[row - start]),
    greedy: best.get(row - start) === token,
  }));
}

/** The most probable token of each of the given rows. */
async function firstOfLargest(logits: tf.Tensor2D, rows: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (rows.length === 0) return new Map();
  const best = tf.tidy(() => tf.argMax(tf.gather(logits, tf.tensor1d([...rows], "int32")), 1));
  const tokens = await best.data<"int32">();
  best.dispose();
  return new Map(rows.map((row, i) => [row, tokens[i]]));
}
