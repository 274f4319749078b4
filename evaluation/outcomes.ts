import { decodeArrow } from "../storage/arrow.js";
import { TouchstoneError } from "../study/errors.js";
import { recordValue } from "./metrics.js";
import { type Question, requestsOf } from "./question.js";
import type { SequenceScore } from "./sequence-score.js";
import type { Metric } from "./task.js";

/** A record's value of an accuracy, for each of a task's questions, from what an evaluation has stored of its requests: [record], 0 or 1. */
export function recordOutcomes(
  samples: Uint8Array,
  questions: readonly Question[],
  metric: Exclude<Metric, "perplexity">,
  where: string,
): Uint8Array {
  const table = decodeArrow(samples, where);
  const [records, loglikelihoods] = [table.numbers("record"), table.numbers("loglikelihood")];
  const greedy = table.flags("greedy");
  const outcomes = new Uint8Array(questions.length);
  let row = 0;
  questions.forEach((question, record) => {
    const scores: SequenceScore[] = requestsOf(question).map(() => {
      if (records[row] !== record) throw wrongSamples(where, record);
      return { loglikelihood: loglikelihoods[row], greedy: greedy[row++] };
    });
    outcomes[record] = recordValue(metric, { question, scores });
  });
  if (row !== table.rows) throw wrongSamples(where, questions.length);
  return outcomes;
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
