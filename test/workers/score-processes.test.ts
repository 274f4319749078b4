import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Sequence } from "../../evaluation/requests.js";
import { scoreSequences } from "../../evaluation/score.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { scoringIn } from "../../workers/score-processes.js";
import { SMALL_CONFIG, writeSmallModel } from "../models/small-model.js";

const folder = await writeSmallModel();

let model: Model;
before(async () => {
  await loadBackend();
  model = await loadModel(folder);
});
after(() => model.close());

/** They share nothing: more than one row. */
const sequences = Array.from({ length: 60 }, (_, i): Sequence => {
  const tokens = Int32Array.from({ length: 50 }, (_, j) => (i * 5 + j * (1 + (i % 7))) % 12);
  return { tokens, from: 40 };
});

test("processes that share the requests give each its score, in order, and say what they took", async () => {
  const wanted = await scoreSequences(model, sequences);
  const usage: number[] = [];
  const told: [number, number][] = [];
  const { score } = scoringIn(2, (seconds) => usage.push(seconds));
  const scores = await score(model, sequences, { onProgress: (done, total) => told.push([done, total]) });
  // Each has another number of threads than this process, whose products may add in another order.
  scores.forEach(({ loglikelihood, greedy }, i) => {
    assert.ok(Math.abs(loglikelihood - wanted[i].loglikelihood) < 2e-5 * 10, `request ${i}`);
    assert.equal(greedy, wanted[i].greedy);
  });
  assert.equal(usage.length, 2);
  const [done, total] = told.at(-1) ?? [];
  assert.equal(done, total);
});

test("an error of a process has its name and says what is wrong", async () => {
  const bad = { tokens: Int32Array.of(1, SMALL_CONFIG.vocab_size), from: 1 };
  await assert.rejects(
    scoringIn(2).score(model, [bad]),
    (error: Error) => error.name === "TokenizerMismatch" && error.message.includes(String(SMALL_CONFIG.vocab_size)),
  );
});
