import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import type { Sequence } from "../../evaluation/requests.js";
import { scoreSequences } from "../../evaluation/score.js";
import type { SequenceScore } from "../../evaluation/sequence-score.js";
import { decodeScores, encodeScores, type Scores, type StoredScores } from "../../evaluation/stored-scores.js";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { HostWeights, Model } from "../../models/model.js";
import { homePath } from "../../storage/home.js";
import { loadBackend } from "../../tensor/backend.js";
import { SMALL_CONFIG, scratchFolder, smallWeights, writeSmallModel } from "../models/small-model.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();

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

test("a request's result is the same bit for bit whatever is scored with it", async () => {
  const alone: SequenceScore[] = [];
  for (const request of requests) alone.push(...(await scoreSequences(model, [request])));
  assert.deepEqual(await scoreSequences(model, requests), alone);
});

test("so it is with heads of a real size, whose products take other kernels, and more keys than stand in one piece", async () => {
  const config = { ...SMALL_CONFIG, hidden_size: 192, num_attention_heads: 3, intermediate_size: 320, vocab_size: 50 };
  const wide = await loadModel(
    await writeSmallModel(smallWeights({ ...config, max_position_embeddings: 512 }), config),
  );
  const context = Array.from({ length: 150 }, (_, i) => (i * 31 + 7) % 50);
  const family = [3, 40, 17].map((length, choice) =>
    sequence([...context, ...Array.from({ length }, (_, i) => (i * 11 + choice) % 50)], context.length),
  );
  const others = [5, 30, 70, 129].map((length, n) =>
    sequence(
      Array.from({ length }, (_, i) => (i * (n + 3) + n) % 50),
      2,
    ),
  );
  const all = [...family, ...others];
  const scores = await scoreSequences(wide, all);
  for (const [i, each] of all.entries()) assert.deepEqual(await scoreSequences(wide, [each]), [scores[i]]);
  assert.deepEqual((await scoreSequences(wide, all.toReversed(), { memory: 1 })).toReversed(), scores);
  await wide.close();
});

test("the order of requests and a repetition change no bit", async () => {
  const scores = await scoreSequences(model, requests);
  assert.deepEqual((await scoreSequences(model, requests.toReversed())).toReversed(), scores);
  assert.deepEqual(await scoreSequences(model, requests), scores);
  assert.deepEqual(scores[5], scores[6]);
});

test("with no memory for hidden states they go through the disk: the same bits, and nothing is left there", async () => {
  const long = longRequests();
  const wanted = await scoreSequences(model, long);
  assert.deepEqual(await scoreSequences(model, long, { memory: 1 }), wanted);
  assert.deepEqual(await readdir(homePath("scratch")), []);
});

/** They fill several rows, and share beginnings of several lengths. */
function longRequests(): Sequence[] {
  return Array.from({ length: 24 }, (_, i) =>
    sequence(
      Array.from({ length: 60 }, (_, j) => (j < 2 * i ? j % 11 : (i * j + i) % 11)),
      30,
    ),
  );
}

/** Counts the tokens that go through the model. */
function counted(source: Model): { model: Model; tokens: () => number } {
  let tokens = 0;
  const { architecture } = source;
  const embed: typeof architecture.embed = (config, ids, weights, tree) => {
    tokens += tree?.parents.length ?? ids.size;
    return architecture.embed(config, ids, weights, tree);
  };
  return { model: { ...source, architecture: { ...architecture, embed } }, tokens: () => tokens };
}

function memoryStore(): StoredScores & { portions: Scores[] } {
  const portions: Scores[] = [];
  return {
    portions,
    read: async () => new Map(portions.flatMap((portion) => Array.from(portion))),
    append: async (scores) => {
      portions.push(decodeScores(encodeScores(scores), "the test's portion"));
    },
  };
}

test("only requests that are not stored go through the model, and the results are those of all at once", async () => {
  const all = longRequests();
  const stored = memoryStore();
  const first = counted(model);
  await scoreSequences(first.model, all.slice(0, 10), { stored });
  assert.ok(first.tokens() > 0);

  const more = counted(model);
  assert.deepEqual(await scoreSequences(more.model, all, { stored }), await scoreSequences(model, all));
  const rest = counted(model);
  await scoreSequences(rest.model, all.slice(10));
  assert.equal(more.tokens(), rest.tokens());

  const again = counted(model);
  await scoreSequences(again.model, all.toReversed(), { stored });
  assert.equal(again.tokens(), 0);
});

test("what is stored before a process dies is not scored again, and portions change no bit", async () => {
  // 40 sequences of 600 tokens that share nothing: more than one portion.
  const many = Array.from({ length: 40 }, (_, i) =>
    sequence([i % 11, 1 + (i % 7), ...Array.from({ length: 598 }, (_, j) => (i * 7 + j * (1 + (i % 5))) % 11)], 599),
  );
  const long = { ...model, config: { ...model.config, maxPositionEmbeddings: 1024 } };
  const wanted = await scoreSequences(long, many);
  const stored = memoryStore();
  const dying: StoredScores = {
    read: stored.read,
    append: async (scores) => {
      await stored.append(scores);
      throw new Error("killed");
    },
  };
  await assert.rejects(scoreSequences(long, many, { stored: dying }), /killed/);
  const before = stored.portions[0].size;
  assert.ok(before > 0 && before < many.length);
  const rest = counted(long);
  assert.deepEqual(await scoreSequences(rest.model, many, { stored }), wanted);
  assert.ok(rest.tokens() <= (many.length - before) * 599);
});

test("identical requests, and one-token continuations of one context, are computed once", async () => {
  const context = [1, 2, 3, 4, 5, 6];
  const once = counted(model);
  await scoreSequences(once.model, [sequence([...context, 7], 6)]);
  const many = counted(model);
  const choices = [7, 8, 9, 7, 7].map((token) => sequence([...context, token], 6));
  await scoreSequences(many.model, choices);
  assert.deepEqual([once.tokens(), many.tokens()], [context.length, context.length]);
});

test("a sequence that overflows does not spoil those that share its row", async () => {
  const poisoned = sequence([1, 2, POISON, 4, 5], 2);
  const scores = await scoreSequences(broken, [poisoned, ...requests]);
  assert.ok(Number.isNaN(scores[0].loglikelihood));
  assertClose(scores.slice(1), await scoreSequences(model, requests));
});

test("however many requests overflow, the weights are read once more, and progress is told meanwhile", async () => {
  let read = 0;
  let told = 0;
  const counted: Model = {
    ...broken,
    block: (index) => {
      read++;
      return broken.block(index);
    },
  };
  const poisoned = [3, 4, 5].map((token) => sequence([1, 2, POISON, token], 2));
  const scores = await scoreSequences(counted, [...poisoned, ...requests], { onProgress: () => told++ });
  assert.ok(scores.slice(0, 3).every(({ loglikelihood }) => Number.isNaN(loglikelihood)));
  assertClose(scores.slice(3), await scoreSequences(model, requests));
  assert.equal(read, 2 * SMALL_CONFIG.num_hidden_layers);
  assert.ok(told > SMALL_CONFIG.num_hidden_layers + 1);
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
  // Told after each row of each block and at the end. The requests read 23 tokens one by one; 8 are left where beginnings are shared.
  assert.equal(told.length, SMALL_CONFIG.num_hidden_layers + 1);
  told.forEach(([done], i) => {
    assert.ok(i === 0 || done >= told[i - 1][0]);
  });
  assert.deepEqual(told.at(-1), [8, 8]);
});
