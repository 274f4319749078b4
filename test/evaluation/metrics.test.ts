import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, measure } from "../../evaluation/metrics.js";
import type { Metric } from "../../evaluation/task.js";

const choices = (gold: number, texts: string[], loglikelihoods: number[]): Answer => ({
  question: { form: "choices", context: "", choices: texts, gold },
  scores: loglikelihoods.map((loglikelihood) => ({ loglikelihood, greedy: false })),
});
const completion = (loglikelihood: number, greedy: boolean): Answer => ({
  question: { form: "completion", context: "", target: "word" },
  scores: [{ loglikelihood, greedy }],
});
const value = (metric: Metric, ...answers: Answer[]) => measure(metric, answers).value.value;

test("acc takes the largest sum, acc_norm the largest per code point of the choice", () => {
  const answer = choices(0, ["ab", "abcdef"], [-4, -6]);
  assert.equal(value("acc", answer), 1);
  assert.equal(value("acc_norm", answer), 0);
});

test("lengths are code points, and a choice's own leading space counts", () => {
  // "😀😀" has two code points but four UTF-16 units: -2 / 2 = -1 a code point loses against -1.8 / 2.
  assert.equal(value("acc_norm", choices(1, ["😀😀", "ab"], [-2, -1.8])), 1);
  assert.equal(value("acc_norm", choices(0, [" ab", "ab"], [-3, -2.5])), 1);
});

test("of ties the first counts", () => {
  assert.equal(value("acc", choices(0, ["a", "b"], [-1, -1])), 1);
  assert.equal(value("acc", choices(1, ["a", "b"], [-1, -1])), 0);
});

test("a model that gives NaN chooses it, as in numpy", () => {
  assert.equal(value("acc", choices(0, ["a", "b"], [-1, Number.NaN])), 0);
  assert.equal(value("acc", choices(1, ["a", "b"], [-1, Number.NaN])), 1);
});

test("a completion is right when it is greedy; perplexity is exp of the mean negative log-likelihood", () => {
  const answers = [completion(-1, true), completion(-3, false)];
  assert.equal(value("acc", ...answers), 0.5);
  assert.equal(value("perplexity", ...answers), Math.exp(2));
});

test("NaN and infinite perplexities are kept apart from numbers", () => {
  assert.deepEqual(measure("perplexity", [completion(Number.NaN, false)]).value, { value: null, nonFinite: "nan" });
  assert.deepEqual(measure("perplexity", [completion(-1e6, false)]).value, { value: null, nonFinite: "inf" });
});

test("the standard error is the sample standard deviation over sqrt(n); one record has none", () => {
  const right = choices(0, ["a", "b"], [-1, -2]);
  const wrong = choices(1, ["a", "b"], [-1, -2]);
  // Values 1, 1, 1, 0: variance 3 / 16 with n, so sqrt(3 / 16 / 3) = 1 / 4.
  assert.deepEqual(measure("acc", [right, right, right, wrong]).standardError, { value: 0.25 });
  assert.equal(measure("acc", [right]).standardError, undefined);
});
