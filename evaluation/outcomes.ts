import { decodeArrow } from "../storage/arrow.js";
import { TouchstoneError } from "../study/errors.js";
import { type Answer, certainty, recordValue } from "./metrics.js";
import { type Question, requestsOf } from "./question.js";
import type { Scored } from "./scored-records.js";
import type { SequenceScore } from "./sequence-score.js";
import type { Accuracy } from "./task.js";

/** A record's value of an accuracy, for each scored record of a task, from what an evaluation has stored of its requests: [record], 0 or 1. */
export function recordOutcomes(
  samples: Uint8Array,
  asked: Scored<Question>,
  metric: Accuracy,
  where: string,
): Uint8Array {
  return Uint8Array.from(storedAnswers(samples, asked, where), (answer) => recordValue(metric, answer));
}

/** How certain a model is of each scored record, from the same: [record], in nats. */
export function recordCertainties(
  samples: Uint8Array,
  asked: Scored<Question>,
  metric: Accuracy,
  where: string,
): Float64Array {
  return Float64Array.from(storedAnswers(samples, asked, where), (answer) => certainty(metric, answer));
}

/** @throws TouchstoneError InvalidData where the stored requests are those of other records */
function* storedAnswers(samples: Uint8Array, { indexes, items }: Scored<Question>, where: string): Iterable<Answer> {
  const table = decodeArrow(samples, where);
  const [records, loglikelihoods] = [table.numbers("record"), table.numbers("loglikelihood")];
  const greedy = table.flags("greedy");
  let row = 0;
  for (const [i, question] of items.entries()) {
    const scores: SequenceScore[] = requestsOf(question).map(() => {
      if (records[row] !== indexes[i]) throw wrongSamples(where, indexes[i]);
      return { loglikelihood: loglikelihoods[row], greedy: greedy[row++] };
    });
    yield { question, scores };
  }
  if (row !== table.rows) throw wrongSamples(where, indexes.length);
}

function wrongSamples(where: string, record: number): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `The stored requests are not those of the task's records from record ${record} on`,
    where,
  });
}

/** What guessing, and always giving the same answer, would score. */
export interface GuessingAccuracy {
  /** Mean over the records of 1 / choices; 0 for a completion. */
  chance: number;
  /** Where all records have the same choices, as yes and no: the share of the most frequent answer; else null. */
  majority: number | null;
}

export function guessingAccuracy(questions: readonly Question[]): GuessingAccuracy {
  const chances = questions.map((question) => (question.form === "completion" ? 0 : 1 / requestsOf(question).length));
  const chance = chances.reduce((sum, value) => sum + value, 0) / questions.length;
  const choices = new Set(questions.map((question) => JSON.stringify(question.form === "choices" && question.choices)));
  const counts = new Map<number, number>();
  for (const question of questions) {
    if (question.form !== "choices" || choices.size > 1) return { chance, majority: null };
    counts.set(question.gold, (counts.get(question.gold) ?? 0) + 1);
  }
  return { chance, majority: Math.max(...counts.values()) / questions.length };
}
