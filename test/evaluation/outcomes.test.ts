import assert from "node:assert/strict";
import { test } from "node:test";
import { guessingAccuracy, recordCertainties, recordOutcomes } from "../../evaluation/outcomes.js";
import type { Question } from "../../evaluation/question.js";
import { encodeSamples } from "../../evaluation/samples.js";
import { scoredRecords } from "../../evaluation/scored-records.js";

const choices = (gold: number, ...texts: string[]): Question => ({
  form: "choices",
  context: "c",
  choices: texts,
  gold,
});

const whole = (questions: readonly Question[]) => scoredRecords(questions, { limit: null });

/** What is stored of questions whose choices have these log-likelihoods. */
function samplesOf(records: readonly (readonly number[])[], greedy = false): Uint8Array {
  return encodeSamples(
    records.flatMap((values, record) =>
      values.map((loglikelihood, choice) => ({ task: "t", record, choice, loglikelihood, greedy })),
    ),
  );
}

test("a record counts where its right choice is the likeliest, by sums or by length", () => {
  const questions = [choices(0, "long answer", "no"), choices(1, "long answer", "no"), choices(1, "ab", "cd")];
  const samples = samplesOf([
    [-11, -3],
    [-11, -3],
    [-1, -1],
  ]);
  assert.deepEqual(Array.from(recordOutcomes(samples, whole(questions), "acc", "here")), [0, 1, 0]);
  assert.deepEqual(Array.from(recordOutcomes(samples, whole(questions), "acc_norm", "here")), [1, 0, 0]);
});

test("a completion counts where it would be written", () => {
  const question: Question = { form: "completion", context: "c", target: " t" };
  assert.deepEqual(Array.from(recordOutcomes(samplesOf([[-1]], true), whole([question]), "acc", "here")), [1]);
  assert.deepEqual(Array.from(recordOutcomes(samplesOf([[-1]]), whole([question]), "acc", "here")), [0]);
});

test("a record is certain where its log-likelihoods are far from making it count otherwise", () => {
  const questions = [choices(0, "long answer", "no"), choices(1, "ab", "cd", "ef")];
  const samples = samplesOf([
    [-11, -3],
    [-1, -1.5, -4],
  ]);
  assert.deepEqual(Array.from(recordCertainties(samples, whole(questions), "acc", "here")), [8, 0.5]);
  assert.deepEqual(Array.from(recordCertainties(samples, whole(questions), "acc_norm", "here")), [0.5, 0.25]);
  const completion: Question = { form: "completion", context: "c", target: " t" };
  const [half, sure] = [-Math.LN2, -0.01].map((value) =>
    recordCertainties(samplesOf([[value]]), whole([completion]), "acc", "here"),
  );
  assert.ok(half[0] === 0 && sure[0] > 0.6);
});

test("of chosen records the stored requests are found by the records' own numbers", () => {
  const all = ["a", "b", "c"].map((text) => choices(0, text, "no"));
  const scored = scoredRecords(all, { limit: 2, only: [0, 2] });
  assert.deepEqual(scored.items, [all[0], all[2]]);
  const rows = [0, 2].flatMap((record) =>
    [-1, -2].map((loglikelihood, choice) => ({ task: "t", record, choice, loglikelihood, greedy: false })),
  );
  assert.deepEqual(Array.from(recordOutcomes(encodeSamples(rows), scored, "acc", "here")), [1, 1]);
  assert.throws(() => recordOutcomes(encodeSamples(rows), whole(all.slice(0, 2)), "acc", "here"), {
    message: /from record 1 on/,
  });
});

test("samples of other records, fewer or more, are refused with their place", () => {
  const questions = [choices(0, "a", "b"), choices(0, "a", "b")];
  const refused = (records: number[][], from: number) =>
    assert.throws(() => recordOutcomes(samplesOf(records), whole(questions), "acc", "evaluation abc"), {
      name: "InvalidData",
      message: new RegExp(`from record ${from} on.*evaluation abc`),
    });
  refused([[-1, -2]], 1);
  refused(
    [
      [-1, -2, -3],
      [-1, -2],
    ],
    1,
  );
  refused(
    [
      [-1, -2],
      [-1, -2],
      [-1, -2],
    ],
    2,
  );
});

test("guessing is right as often as there are choices, and as often as the most frequent answer where choices are always the same", () => {
  assert.deepEqual(guessingAccuracy([choices(0, "no", "yes"), choices(1, "no", "yes"), choices(1, "no", "yes")]), {
    chance: 0.5,
    majority: 2 / 3,
  });
  const mixed = guessingAccuracy([choices(0, "a", "b"), choices(1, "a", "b", "c", "d")]);
  assert.deepEqual(mixed, { chance: 0.375, majority: null });
});
