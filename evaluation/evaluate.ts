import type { Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import type { Evaluation } from "../study/results.js";
import { type Answer, measure } from "./metrics.js";
import { type Question, requestsOf } from "./question.js";
import { taskOf } from "./registry.js";
import { type AddBos, encodeRequest } from "./requests.js";
import type { RequestScore } from "./samples.js";
import { type ScoreOptions, type SequenceScore, scoreSequences } from "./score.js";
import type { Metric } from "./task.js";

export interface EvaluateOptions extends ScoreOptions {
  /** The first records that are scored; null: all. */
  limit: number | null;
  addBos: AddBos;
  /** The records' file, for messages. */
  where: string;
}

/**
 * Scores a task's records, zero-shot, as lm-evaluation-harness 0.4 does.
 * @param task the harness's name or a shorter one
 * @throws TouchstoneError UnknownTask, InvalidData (which record, which key), TokenizerMismatch
 */
export async function evaluateTask(
  model: Model,
  tokenizer: Tokenizer,
  task: string,
  records: readonly Record<string, unknown>[],
  { limit, addBos, where, ...options }: EvaluateOptions,
): Promise<{ evaluation: Evaluation; samples: RequestScore[] }> {
  const { name, metrics, questions: makeQuestions } = taskOf(task);
  const questions = makeQuestions(records, where).slice(0, limit ?? undefined);
  const encoding = { addBos, maxLength: model.config.maxPositionEmbeddings };
  const sequences = questions.flatMap((question) =>
    requestsOf(question).map((request) => encodeRequest(tokenizer, request, encoding)),
  );
  const answers = regroup(questions, await scoreSequences(model, sequences, options));
  return { evaluation: summarize(name, metrics, answers), samples: samplesOf(name, answers) };
}

/** Gives each question the scores of its requests. */
function regroup(questions: readonly Question[], scores: readonly SequenceScore[]): Answer[] {
  let start = 0;
  return questions.map((question) => {
    const first = start;
    start += requestsOf(question).length;
    return { question, scores: scores.slice(first, start) };
  });
}

function summarize(id: string, metrics: readonly Metric[], answers: readonly Answer[]): Evaluation {
  const measured = metrics.map((metric) => ({ metric, ...measure(metric, answers) }));
  return {
    id,
    kind: "task",
    metrics: Object.fromEntries(measured.map(({ metric, value }) => [metric, value])),
    standardErrors: Object.fromEntries(
      measured.flatMap(({ metric, standardError }) => (standardError === undefined ? [] : [[metric, standardError]])),
    ),
    count: answers.length,
  };
}

function samplesOf(task: string, answers: readonly Answer[]): RequestScore[] {
  return answers.flatMap(({ scores }, record) => scores.map((score, choice) => ({ task, record, choice, ...score })));
}
