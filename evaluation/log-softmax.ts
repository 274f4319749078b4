import * as tf from "@tensorflow/tfjs-core";
import type { Model, Weights } from "../models/model.js";
import { LOGITS } from "../study/rates.js";
import { fusedOps } from "../tensor/fused-ops.js";

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
 * Log-softmax of the head's outputs at the targets, in the targets' order; [vocabSize, rows] never leaves the backend.
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
  const found = tf.tidy(() => {
    const rows = tf.squeeze<tf.Tensor2D>(tf.slice(hidden, [0, start, 0], [1, end - start, -1]), [0]);
    const logits = model.architecture.logits(model.config, rows, head);
    const columns = tf.tensor1d(
      Int32Array.from(targets, ({ row }) => row - start),
      "int32",
    );
    const tokens = tf.tensor1d(
      Int32Array.from(targets, ({ token }) => token),
      "int32",
    );
    return fusedOps()?.logSoftmax(logits, columns, tokens) ?? logSoftmax(logits, columns, tokens);
  });
  const values = await found.data<"float32">();
  found.dispose();
  return targets.map((_, i) => ({
    // In double precision: single is off by more than all of the model's layers are.
    logProbability: values[3 * i] - Math.log(values[3 * i + 1]),
    greedy: values[3 * i + 2] === 1,
  }));
}

/** What `FusedOps.logSoftmax` gives, of several operations. */
function logSoftmax(logits: tf.Tensor2D, columns: tf.Tensor1D, tokens: tf.Tensor1D): tf.Tensor2D {
  const below = tf.sub(logits, tf.max(logits, 0, true));
  const shifted = tf.gatherND(below, tf.stack([tokens, columns], 1)) as tf.Tensor1D;
  const totals = tf.gather(tf.sum(tf.exp(below), 0), columns);
  const greedy = tf.equal(tf.gather(tf.argMax(logits, 0), columns), tokens);
  return tf.stack([shifted, totals, tf.cast(greedy, "float32")], 1) as tf.Tensor2D;
}
