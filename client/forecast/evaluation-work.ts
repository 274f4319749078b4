import { askQuestions } from "../../evaluation/few-shot.js";
import { windowsOf } from "../../evaluation/perplexity.js";
import { readDocuments, readPerplexityInput } from "../../evaluation/perplexity-text.js";
import { perturbedVariants } from "../../evaluation/perturbation/perturb.js";
import { requestsOf } from "../../evaluation/question.js";
import { readTaskRecords } from "../../evaluation/records.js";
import { encodeRequest, encodeText, type Sequence } from "../../evaluation/requests.js";
import { studyTask } from "../../evaluation/study-task.js";
import type { Model } from "../../models/model.js";
import type { Tokenizer } from "../../models/tokenizer.js";
import type { EvaluationWork } from "../../study/rates.js";
import { recordsATask, type StudySpec, TEXT_WINDOW } from "../../study/spec.js";
import { workOf } from "./measure-scoring.js";

/** Questions of a task that are tokenized; the others are taken to be as long. */
const SAMPLED = 200;

export interface CountedEvaluation extends EvaluationWork {
  /** Some of its requests. */
  sample: readonly Sequence[];
}

/** Counts what a model's evaluations have to do, each with the model's own tokenizer on a sample of its records. */
export async function countEvaluations({ evaluation }: StudySpec, model: Model): Promise<CountedEvaluation[]> {
  const tokenizer = await model.tokenizer();
  const counted: CountedEvaluation[] = [];
  for (const text of evaluation.perplexity) counted.push(await countText(text, model, tokenizer));
  for (const name of evaluation.tasks) counted.push(await countTask(name, evaluation, model, tokenizer));
  return counted;
}

async function countTask(
  name: string,
  evaluation: StudySpec["evaluation"],
  model: Model,
  tokenizer: Tokenizer,
): Promise<CountedEvaluation> {
  const { data = "", addBos, noiseSeed = 0 } = evaluation;
  const task = studyTask(evaluation, name);
  const all = askQuestions(task, await readTaskRecords(data, task));
  const asked = all.slice(0, recordsATask(evaluation) ?? undefined);
  const step = Math.max(1, Math.floor(asked.length / SAMPLED));
  const some = asked.filter((_, i) => i % step === 0);
  const started = performance.now();
  const sample = perturbedVariants(task, some, all, noiseSeed)
    .flat()
    .flatMap(requestsOf)
    .map((request) => encodeRequest(tokenizer, request, { addBos, maxLength: model.config.maxPositionEmbeddings }));
  const scale = asked.length / Math.max(1, some.length);
  const prepare = (performance.now() - started) / 1000;
  return scaled({ id: name, ...workOf(sample), requests: sample.length, prepare }, scale, sample);
}

async function countText(
  { id, path, windows: form, length, limit }: StudySpec["evaluation"]["perplexity"][number],
  model: Model,
  tokenizer: Tokenizer,
): Promise<CountedEvaluation> {
  const longest = model.config.maxPositionEmbeddings;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  if (form === "rolling") {
    const documents = (await readDocuments(path)).slice(0, limit ?? undefined);
    const some = documents.slice(0, SAMPLED);
    const sample = some
      .map((text) => encodeText(tokenizer, text, "auto").slice(0, Math.min(length ?? longest, longest)))
      .filter((tokens) => tokens.length > 1)
      .map((tokens) => ({ tokens, from: 1 }));
    const characters = (texts: readonly string[]) => texts.reduce((sum, text) => sum + text.length, 0);
    const scale = characters(documents) / Math.max(1, characters(some));
    return scaled({ id, ...workOf(sample), requests: sample.length, prepare: seconds() }, scale, sample);
  }
  const windows = windowsOf(await readPerplexityInput(path), tokenizer, length ?? TEXT_WINDOW, limit, { where: path });
  const sample = windows.map((tokens) => ({ tokens, from: 1 }));
  return scaled({ id, ...workOf(sample), requests: sample.length, prepare: seconds() }, 1, sample);
}

function scaled(work: EvaluationWork, scale: number, sample: readonly Sequence[]): CountedEvaluation {
  const { id, tokens, predictions, requests, prepare } = work;
  return {
    id,
    tokens: Math.round(tokens * scale),
    predictions: Math.round(predictions * scale),
    requests: Math.round(requests * scale),
    prepare: prepare * scale,
    sample,
  };
}
