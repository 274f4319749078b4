import assert from "node:assert/strict";
import { test } from "node:test";
import { guessingAccuracy, recordOutcomes } from "../../evaluation/outcomes.js";
import type { Question } from "../../evaluation/question.js";
import { encodeSamples } from "../../evaluation/samples.js";

const choices = (gold: number, ...texts: string[]): Question => ({
  form: "choices",
  context: "c",
  choices: texts,
  gold,
});

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
  assert.deepEqual(Array.from(recordOutcomes(samples, questions, "acc", "here")), [0, 1, 0]);
  assert.deepEqual(Array.from(recordOutcomes(samples, questions, "acc_norm", "here")), [1, 0, 0]);
});

test("a completion counts where it would be written", () => {
  const question: Question = { form: "completion", context: "c", target: " t" };
  assert.deepEqual(Array.from(recordOutcomes(samplesOf([[-1]], true), [question], "acc", "here")), [1]);
  assert.deepEqual(Array.from(recordOutcomes(samplesOf([[-1]]), [question], "acc", "here")), [0]);
});

test("samples of other records, fewer or more, are refused with their place", () => {
  const questions = [choices(0, "a", "b"), choices(0, "a", "b")];
  const refused = (records: number[][], from: number) =>
    assert.throws(() => recordOutcomes(samplesOf(records), questions, "acc", "evaluation abc"), {
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
