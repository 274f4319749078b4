import * as tf from "@tensorflow/tfjs-core";
import type { ExpertsConfig, Routing } from "../model.js";

/** Rows of one of the router's products. Part of the numerics. */
const TILE = 64;

/**
 * Where a router sends rows: a softmax over all experts, the largest shares of it, and where the configuration says so these made
 * to add up to 1 (Jiang et al. 2024, arXiv 2401.04088, section 2.1). Of equal shares that of the first expert counts as larger.
 * @param input normalized hidden states [sequences, tokens, hiddenSize]
 * @param router [count, hiddenSize]
 * @param sharedGate [1, hiddenSize], where there is a shared expert: its share is the sigmoid of the product
 */
export function route(
  input: tf.Tensor3D,
  router: tf.Tensor,
  sharedGate: tf.Tensor | undefined,
  { count, perToken, normalized }: ExpertsConfig,
): Routing {
  const weights = (sharedGate === undefined ? router : tf.concat([router, sharedGate])) as tf.Tensor2D;
  const [columns, rows] = [weights.shape[0], input.shape[0] * input.shape[1]];
  const logits = productInTiles(input, weights);
  const choices = new Int32Array(rows * perToken);
  const shares = new Float32Array(rows * perToken);
  for (let row = 0; row < rows; row++) {
    const probabilities = softmax(logits.subarray(row * columns, row * columns + count));
    const chosen = largest(probabilities, perToken);
    const total = normalized ? chosen.reduce((sum, expert) => sum + probabilities[expert], 0) : 1;
    choices.set(chosen, row * perToken);
    for (let i = 0; i < perToken; i++) shares[row * perToken + i] = probabilities[chosen[i]] / total;
  }
  const sharedShares =
    sharedGate === undefined
      ? undefined
      : Float32Array.from({ length: rows }, (_, row) => 1 / (1 + Math.exp(-logits[row * columns + count])));
  return sortedByExpert(choices, shares, sharedShares, { count, perToken });
}

/**
 * [rows, n] of x W^T. Products with so few outputs are divided among threads by their inputs, how depends on the number of
 * rows: each of these has as many, so a row's bits don't depend on how many others there are.
 */
function productInTiles(input: tf.Tensor3D, weights: tf.Tensor2D): Float32Array {
  return tf.tidy(() => {
    const [sequences, tokens, columns] = input.shape;
    const rows = sequences * tokens;
    const tiles = Math.ceil(rows / TILE);
    const padded = tf.pad(tf.reshape(input, [rows, columns]), [
      [0, tiles * TILE - rows],
      [0, 0],
    ]);
    const products = tf.split<tf.Tensor2D>(padded, tiles).map((tile) => tf.matMul(tile, weights, false, true));
    return tf.concat(products).dataSync<"float32">();
  });
}

function softmax(logits: Float32Array): Float32Array {
  const most = logits.reduce((largest, logit) => Math.max(largest, logit), Number.NEGATIVE_INFINITY);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return Float32Array.from(powers, (power) => power / total);
}

/** The indices of the `count` largest shares, ascending. */
function largest(shares: Float32Array, count: number): Int32Array {
  const left = shares.slice();
  const chosen = new Int32Array(count);
  for (let choice = 0; choice < count; choice++) {
    let best = 0;
    for (let i = 1; i < left.length; i++) if (left[i] > left[best]) best = i;
    chosen[choice] = best;
    left[best] = -1;
  }
  return chosen.sort();
}

/** @param choices, shares [rows, perToken]: the experts of each row, ascending, and what they count for */
function sortedByExpert(
  choices: Int32Array,
  shares: Float32Array,
  sharedShares: Float32Array | undefined,
  { count, perToken }: { count: number; perToken: number },
): Routing {
  const starts = new Int32Array(count + 1);
  for (const expert of choices) starts[expert + 1]++;
  for (let expert = 0; expert < count; expert++) starts[expert + 1] += starts[expert];
  const filled = starts.slice();
  const rows = new Int32Array(choices.length);
  const sortedShares = new Float32Array(choices.length);
  const places = Array.from({ length: perToken }, () => new Int32Array(choices.length / perToken));
  choices.forEach((expert, i) => {
    const place = filled[expert]++;
    rows[place] = Math.floor(i / perToken);
    sortedShares[place] = shares[i];
    places[i % perToken][rows[place]] = place;
  });
  return {
    rows: (expert) => rows.subarray(starts[expert], starts[expert + 1]),
    shares: (expert) => sortedShares.subarray(starts[expert], starts[expert + 1]),
    sharedShares: () => sharedShares,
    places: (choice) => places[choice],
  };
}
