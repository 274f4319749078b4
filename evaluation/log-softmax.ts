import * as tf from "@tensorflow/tfjs-core";
import type { Model, Weights } from "../models/model.js";

/** Logits at once: 16 MiB of them stay below what the allocator gives back to the system and then asks for anew. */
const LOGITS = 2 ** 22;

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
 * @param hidden [rows, hiddenSize], the last block's outputs
 * @param targets by ascending row
 */
export async function scoreTargets(
  model: Model,
  head: Weights,
  hidden: tf.Tensor2D,
  targets: readonly Target[],
): Promise<TokenScore[]> {
  const scores: TokenScore[] = [];
  const rows = Math.max(1, Math.floor(LOGITS / model.config.vocabSize));
  for (let start = 0; start < hidden.shape[0]; start += rows) {
    const end = Math.min(start + rows, hidden.shape[0]);
    const part: Target[] = [];
    for (let i = scores.length; i < targets.length && targets[i].row < end; i++) part.push(targets[i]);
    const { shifted, logSum, best } = tf.tidy(() => scoreRows(model, head, hidden, start, end, part));
    const [differences, logSums, bests] = await Promise.all([shifted.data(), logSum.data(), best.data()]);
    tf.dispose([shifted, logSum, best]);
    part.forEach(({ row, token }, i) => {
      scores.push({ logProbability: differences[i] - logSums[row - start], greedy: bests[row - start] === token });
    });
  }
  return scores;
}

/** Of rows start .. end - 1: each target's logit and the log of the summed exponentials, both less the row's largest logit. */
function scoreRows(
  model: Model,
  head: Weights,
  hidden: tf.Tensor2D,
  start: number,
  end: number,
  targets: readonly Target[],
): { shifted: tf.Tensor1D; logSum: tf.Tensor1D; best: tf.Tensor1D } {
  const rows = tf.slice(hidden, [start, 0], [end - start, -1]);
  const logits = model.architecture.logits(model.config, rows, head);
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const places = targets.flatMap(({ row, token }) => [row - start, token]);
  return {
    shifted: tf.gatherND(shifted, tf.tensor2d(places, [targets.length, 2], "int32")) as tf.Tensor1D,
    logSum: tf.log(tf.sum(tf.exp(shifted), 1)),
    best: tf.argMax(logits, 1),
  };
}
