import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { evaluateTask } from "../../evaluation/evaluate.js";
import { givenRecords } from "../../evaluation/records.js";
import { taskNamed } from "../../evaluation/registry.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { SMALL_CONFIG, writeSmallModel } from "../models/small-model.js";
import { characterTokenizer } from "./character-tokenizer.js";

const WHOLE = { limit: null, addBos: "auto" } as const;
const plain = characterTokenizer();
/** Every character is one of the small model's tokens. */
const tokenizer = {
  ...plain,
  encode: (text: string) => plain.encode(text).map((code) => code % SMALL_CONFIG.vocab_size),
};

let model: Model;
before(async () => {
  await loadBackend();
  model = await loadModel(await writeSmallModel());
});
after(() => model.close());

const evaluate = (texts: readonly string[], only?: readonly number[]) =>
  evaluateTask(
    model,
    tokenizer,
    taskNamed("last_word"),
    givenRecords(
      texts.map((text) => ({ text })),
      "texts.jsonl",
    ),
    { ...WHOLE, only },
  );

test("a context that is too long loses its beginning, which is counted", async () => {
  const most = model.config.maxPositionEmbeddings;
  // The model reads all but the last token: of `most + 1` characters nothing is left out.
  const fitting = `${"a".repeat(most - 3)} end`;
  const { evaluation, samples } = await evaluate([fitting, `a${fitting}`, `b${fitting}`]);
  assert.equal(fitting.length, most + 1);
  assert.equal(evaluation.truncated, 2);
  // What is left of all three is the same.
  assert.deepEqual(
    samples.map(({ loglikelihood }) => loglikelihood),
    Array(3).fill(samples[0].loglikelihood),
  );
});

test("records that repeat one before them count, and are told; where all is well, nothing is", async () => {
  const { evaluation } = await evaluate(["a b", "c d", "a b"]);
  assert.deepEqual([evaluation.count, evaluation.duplicates, evaluation.truncated], [3, 1, undefined]);
  assert.ok(!("duplicates" in (await evaluate(["a b"])).evaluation));
});

test("chosen records are scored as among all, under their own numbers", async () => {
  const texts = ["a b", "c d", "a b", "e f"];
  const { evaluation, samples } = await evaluate(texts, [1, 3]);
  const all = await evaluate(texts);
  assert.deepEqual([evaluation.count, evaluation.duplicates], [2, undefined]);
  assert.deepEqual([typeof evaluation.chosen, all.evaluation.chosen], ["string", undefined]);
  assert.deepEqual(
    samples,
    all.samples.filter(({ record }) => record === 1 || record === 3),
  );
});
