import type { Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { identity } from "../storage/identity.js";
import type { Evaluation } from "../study/results.js";
import { askQuestions } from "./few-shot.js";
import { type Answer, measure } from "./metrics.js";
import { hardestVariants } from "./perturbation/hardest.js";
import { perturbedVariants } from "./perturbation/perturb.js";
import { type Question, requestsOf } from "./question.js";
import { countDuplicates, type TaskRecords } from "./records.js";
import { type AddBos, type EncodedRequest, encodeRequest } from "./requests.js";
import type { RequestScore } from "./samples.js";
import { type ScoreOptions, scoreSequences } from "./score.js";
import { type RecordChoice, scoredRecords } from "./scored-records.js";
import type { SequenceScore } from "./sequence-score.js";
import type { Metric, Task } from "./task.js";

export interface EvaluateOptions extends ScoreOptions {
  /** The first records that are scored; null: all. */
  limit: number | null;
  addBos: AddBos;
  /** What scores the requests; by default this process does. */
  score?: typeof scoreSequences;
  /** Another one perturbs the inputs of perturbed tasks otherwise. */
  noiseSeed?: number;
}

export interface TaskEvaluation {
  evaluation: Evaluation;
  samples: RequestScore[];
  /** Each scored record's question, with the scores of its requests. */
  answers: readonly Answer[];
}

/** A task with the records that it is about. */
export interface TaskWithRecords extends Pick<RecordChoice, "only"> {
  task: Task;
  data: TaskRecords;
}

/**
 * Scores tasks' records as lm-evaluation-harness 0.4 does, all in one pass over the model.
 * @throws TouchstoneError InvalidData (which record, which key), TokenizerMismatch
 */
export async function evaluateTasks(
  model: Model,
  tokenizer: Tokenizer,
  tasks: readonly TaskWithRecords[],
  { limit, addBos, noiseSeed = 0, score = scoreSequences, ...options }: EvaluateOptions,
): Promise<TaskEvaluation[]> {
  const { maxPositionEmbeddings, encoderDecoder } = model.config;
  const encoding = { addBos, maxLength: maxPositionEmbeddings, encoderDecoder: encoderDecoder !== undefined };
  const asked = tasks.map((each) => {
    const all = askQuestions(each.task, each.data);
    const { indexes, items } = scoredRecords(all, { limit, only: each.only });
    const questions = perturbedVariants(each.task, items, all, noiseSeed).flat();
    const sequences = questions.flatMap((question) =>
      requestsOf(question).map((request) => encodeRequest(tokenizer, request, encoding)),
    );
    return { ...each, indexes, questions, sequences };
  });
  const scores = await score(
    model,
    asked.flatMap(({ sequences }) => sequences),
    options,
  );
  let start = 0;
  return asked.map((each) => {
    const first = start;
    start += each.sequences.length;
    return summarizeTask(each, scores.slice(first, start));
  });
}

/** Scores one task's records. @throws as evaluateTasks */
export async function evaluateTask(
  model: Model,
  tokenizer: Tokenizer,
  task: Task,
  data: TaskRecords,
  { only, ...options }: EvaluateOptions & Pick<RecordChoice, "only">,
): Promise<TaskEvaluation> {
  const [evaluation] = await evaluateTasks(model, tokenizer, [{ task, data, only }], options);
  return evaluation;
}

/** A task's requests, in the order of its questions. */
interface AskedTask extends TaskWithRecords {
  /** Of the scored records. */
  indexes: readonly number[];
  questions: readonly Question[];
  sequences: readonly EncodedRequest[];
}

function summarizeTask(
  { task, data, only, indexes, questions, sequences }: AskedTask,
  scores: readonly SequenceScore[],
): TaskEvaluation {
  const answers = hardestVariants(regroup(questions, scores), task.perturbed?.variants ?? 1);
  const notes = {
    truncated: sequences.filter(({ dropped }) => dropped > 0).length,
    duplicates: countDuplicates(indexes.map((index) => data.records[index])),
  };
  return {
    evaluation: {
      ...summarize(task.name, task.metrics, answers),
      ...(only === undefined ? {} : { chosen: identity(only) }),
      ...withoutZeros(notes),
    },
    samples: samplesOf(task.name, indexes, answers),
    answers,
  };
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

function withoutZeros<T extends Record<string, number>>(counts: T): Partial<T> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)) as Partial<T>;
}

function samplesOf(task: string, indexes: readonly number[], answers: readonly Answer[]): RequestScore[] {
  return answers.flatMap(({ scores }, i) =>
    scores.map((score, choice) => ({ task, record: indexes[i], choice, ...score })),
  );
}
