import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import type { Sequence } from "../../evaluation/requests.js";
import { type SequenceScore, scoreSequences } from "../../evaluation/score.js";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { HostWeights, Model } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { SMALL_CONFIG, writeSmallModel } from "../models/small-model.js";

/** Float32 roundings of log-probabilities of a few units, through two blocks. */
const ROUNDING = 2e-5;

/** Its embedding is NaN in `broken`. */
const POISON = 11;

let model: Model;
let broken: Model;
before(async () => {
  await loadBackend();
  model = await loadModel(await writeSmallModel());
  broken = { ...model, embedding: poisonedEmbedding };
});
after(() => model.close());

async function poisonedEmbedding(): Promise<HostWeights> {
  const name = "model.embed_tokens.weight";
  const { shape, data } = (await model.embedding()).get(name)!;
  return new Map([[name, { shape, data: data.slice().fill(Number.NaN, POISON * SMALL_CONFIG.hidden_size) }]]);
}

const sequence = (tokens: number[], from: number): Sequence => ({ tokens: Int32Array.from(tokens), from });

/** Two records with choices of several lengths, one-token choices, a repeated request, and a context shared by all. */
const requests = [
  sequence([1, 2, 3, 4, 5], 3),
  sequence([1, 2, 3, 4, 6, 7], 3),
  sequence([1, 2, 3, 8], 3),
  sequence([1, 2, 3, 9], 3),
  sequence([1, 5, 3, 2], 2),
  sequence([1, 5, 10], 2),
  sequence([1, 5, 10], 2),
  sequence([7, 1], 1),
];

function assertClose(found: readonly SequenceScore[], wanted: readonly SequenceScore[]): void {
  assert.equal(found.length, wanted.length);
  found.forEach(({ loglikelihood, greedy }, i) => {
    assert.ok(Math.abs(loglikelihood - wanted[i].loglikelihood) < ROUNDING, `${loglikelihood} of request ${i}`);
    assert.equal(greedy, wanted[i].greedy);
  });
}

/** From all logits of a plain forward, in double precision. */
async function plainScore({ tokens, from }: Sequence): Promise<SequenceScore> {
  const { logits } = await forwardTokens(model, [tokens]);
  const vocab = SMALL_CONFIG.vocab_size;
  const score = { loglikelihood: 0, greedy: true };
  for (let i = from; i < tokens.length; i++) {
    const row = Array.from(logits.data.subarray((i - 1) * vocab, i * vocab));
    score.loglikelihood += row[tokens[i]] - Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    score.greedy &&= row[tokens[i]] === Math.max(...row);
  }
  return score;
}

test("packed requests have the log-likelihoods of a plain forward of each", async () => {
  assertClose(await scoreSequences(model, requests), await Promise.all(requests.map(plainScore)));
});

test("a request's result does not depend on the others", async () => {
  const alone = await Promise.all(requests.map(async (request) => (await scoreSequences(model, [request]))[0]));
  assertClose(await scoreSequences(model, requests), alone);
});

test("the order of requests and a repetition change no bit", async () => {
  const scores = await scoreSequences(model, requests);
  assert.deepEqual((await scoreSequences(model, requests.toReversed())).toReversed(), scores);
  assert.deepEqual(await scoreSequences(model, requests), scores);
  assert.deepEqual(scores[5], scores[6]);
});

test("long requests in portions of little memory have the same results as in one", async () => {
  const long = Array.from({ length: 24 }, (_, i) =>
    sequence(
      Array.from({ length: 60 }, (_, j) => (i * j + i) % 11),
      30,
    ),
  );
  let heads = 0;
  const counting: Model = {
    ...model,
    head: () => {
      heads++;
      return model.head();
    },
  };
  const portions = await scoreSequences(counting, long, { memory: 1 });
  assert.ok(heads > 1);
  assertClose(portions, await scoreSequences(model, long));
});

test("a sequence that overflows does not spoil those that share its row", async () => {
  const poisoned = sequence([1, 2, POISON, 4, 5], 2);
  const scores = await scoreSequences(broken, [poisoned, ...requests]);
  assert.ok(Number.isNaN(scores[0].loglikelihood));
  assertClose(scores.slice(1), await scoreSequences(model, requests));
});

test("a request with nothing to score is certain", async () => {
  const scores = await scoreSequences(model, [sequence([1, 2, 3], 3), requests[0]]);
  assert.deepEqual(scores[0], { loglikelihood: 0, greedy: true });
  assert.deepEqual(await scoreSequences(model, []), []);
});

test("ids beyond the vocabulary are a TokenizerMismatch", async () => {
  await assert.rejects(
    scoreSequences(model, [sequence([1, SMALL_CONFIG.vocab_size], 1)]),
    (error: Error) => error.name === "TokenizerMismatch",
  );
});

test("progress rises to the total, and no tensor is left", async () => {
  const told: [number, number][] = [];
  const tensors = tf.memory().numTensors;
  await scoreSequences(model, requests, { onProgress: (done, total) => told.push([done, total]) });
  assert.equal(tf.memory().numTensors, tensors);
  // Told after each block and at the end. The requests read 23 tokens one by one; 8 are left where beginnings are shared.
  assert.equal(told.length, SMALL_CONFIG.num_hidden_layers + 1);
  told.forEach(([done], i) => {
    assert.ok(i === 0 || done >= told[i - 1][0]);
  });
  assert.deepEqual(told.at(-1), [8, 8]);
});
