import { toFigure } from "../study/figures.js";
import type { Figure } from "../study/results.js";
import type { Question } from "./question.js";
import type { SequenceScore } from "./sequence-score.js";
import type { Accuracy, Metric } from "./task.js";
import { codePoints } from "./text.js";

/** A question with the scores of its requests, in their order. */
export interface Answer {
  question: Question;
  scores: readonly SequenceScore[];
}

/** Mean of a metric over the records, and its standard error where there is more than one. */
export function measure(metric: Metric, answers: readonly Answer[]): { value: Figure; standardError?: Figure } {
  const values = answers.map((answer) => recordValue(metric, answer));
  const average = mean(values);
  const value = metric === "perplexity" ? Math.exp(-average) : average;
  if (values.length < 2) return { value: toFigure(value) };
  // The perplexity's by the delta method; the harness draws it from a bootstrap of its own.
  const scale = metric === "perplexity" ? value : 1;
  return { value: toFigure(value), standardError: toFigure(scale * standardError(values)) };
}

/** What a record counts for: 0 or 1, or the log-likelihood that a perplexity is made of. */
export function recordValue(metric: Metric, { question, scores }: Answer): number {
  const likelihoods = scores.map(({ loglikelihood }) => loglikelihood);
  if (metric === "perplexity") return likelihoods[0];
  if (question.form === "completion") return Number(scores[0].greedy);
  return Number(argmax(metric === "acc" ? likelihoods : perCodePoint(question, likelihoods)) === question.gold);
}

/**
 * How far a record's log-likelihoods are from making it count otherwise, in nats (of `acc_norm`, a character): the right choice's
 * distance from the best other; a completion's from one that is as likely as not.
 */
export function certainty(metric: Accuracy, { question, scores }: Answer): number {
  const likelihoods = scores.map(({ loglikelihood }) => loglikelihood);
  if (question.form === "completion") return Math.abs(likelihoods[0] + Math.LN2);
  const compared = metric === "acc" ? likelihoods : perCodePoint(question, likelihoods);
  const others = compared.filter((_, choice) => choice !== question.gold);
  return Math.abs(compared[question.gold] - Math.max(...others));
}

/** Of what differs between the choices, as in the harness; the delimiter before a choice does not count. */
function perCodePoint(question: Exclude<Question, { form: "completion" }>, likelihoods: readonly number[]): number[] {
  return likelihoods.map((likelihood, i) => {
    const text = question.form === "choices" ? question.choices[i] : question.contexts[i];
    return likelihood / codePoints(text);
  });
}

/** The first of the largest. NaN counts as largest, as in numpy, whose result the harness takes. */
function argmax(values: readonly number[]): number {
  const broken = values.findIndex(Number.isNaN);
  return broken === -1 ? values.indexOf(Math.max(...values)) : broken;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation over sqrt(n); NaN for fewer than two values. */
export function standardError(values: readonly number[]): number {
  const average = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - average) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1)) / Math.sqrt(values.length);
}
