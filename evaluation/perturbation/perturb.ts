import { uniformFloat32 } from "pure-rand/distribution/uniformFloat32";
import { generatorOf } from "../../storage/generator.js";
import { TouchstoneError } from "../../study/errors.js";
import { splitTaskName } from "../../study/task-name.js";
import type { Question } from "../question.js";
import type { Task } from "../task.js";
import { replaceSpans, type Span } from "../template.js";
import type { PerturbationSetting } from "./perturbation.js";
import { completeSentences } from "./pieces.js";

/**
 * The questions as a task perturbs them, each in the variants of which the hardest counts; without perturbation each as it is.
 * What a record becomes is determined by the seed, the task, the perturbation and the record's own content, so that it is
 * the same whichever others are asked and in whatever order. Choices, answers and the template's words stay as they are.
 * @param all the questions of the whole file: where irrelevant sentences are from
 * @throws TouchstoneError InvalidData as `requireEffect`
 */
export function perturbedVariants(
  task: Task,
  questions: readonly Question[],
  all: readonly Question[],
  seed: number,
): Question[][] {
  const { perturbed } = task;
  if (perturbed === undefined) return questions.map((question) => [question]);
  const sentences = sentencePool(all);
  checkEffect(task, perturbed, all, seed, sentences);
  const perturb = perturber(task, perturbed, seed, sentences);
  const variants = Array.from({ length: perturbed.variants }, (_, variant) => variant);
  return questions.map((question) => variants.map((variant) => perturb(question, variant)));
}

/**
 * @throws TouchstoneError InvalidData where the task's perturbation can change nothing in any record, such as the case of letters
 *   in a script that has none: the figures would be those of the task as it is, under another name
 */
export function requireEffect(task: Task, all: readonly Question[]): void {
  if (task.perturbed !== undefined) checkEffect(task, task.perturbed, all, 0, sentencePool(all));
}

function checkEffect(
  task: Task,
  setting: PerturbationSetting,
  all: readonly Question[],
  seed: number,
  sentences: () => readonly string[],
): void {
  if (setting.strength === 0) return;
  const perturb = perturber(task, { ...setting, strength: 1 }, seed, sentences);
  if (all.some((question) => textsOf(question).join() !== textsOf(perturb(question, 0)).join())) return;
  throw new TouchstoneError("InvalidData", {
    what: `${setting.perturbation.name} can change nothing in any record`,
    where: task.name,
    todo: "Take another perturbation for this task.",
  });
}

function perturber(task: Task, setting: PerturbationSetting, seed: number, sentences: () => readonly string[]) {
  const { perturbation, strength } = setting;
  const { task: clean } = splitTaskName(task.name);
  return (question: Question, variant: number): Question => {
    const texts = textsOf(question);
    const key = [seed, clean, perturbation.name, variant, texts, answersOf(question)];
    const generator = generatorOf(JSON.stringify(key));
    const draw = () => uniformFloat32(generator);
    const irrelevantSentence = (at: number) => irrelevantTo(question, sentences(), at, task.name);
    return withTexts(question, perturbation.perturb(texts, { strength, draw, irrelevantSentence }));
  };
}

/** All sentences in alphabetical order, collected when they are first asked for. */
function sentencePool(all: readonly Question[]): () => readonly string[] {
  let pool: string[] | undefined;
  return () => {
    pool ??= Array.from(new Set(all.flatMap(sentencesOf))).sort();
    return pool;
  };
}

/** The drawn sentence, or the first after it that doesn't stand in the question itself. */
function irrelevantTo(question: Question, pool: readonly string[], at: number, task: string): string {
  const own = new Set(sentencesOf(question));
  const texts = textsOf(question);
  const start = Math.floor(at * pool.length);
  for (let i = 0; i < pool.length; i++) {
    const sentence = pool[(start + i) % pool.length];
    if (!own.has(sentence) && !texts.some((text) => text.includes(sentence))) return sentence;
  }
  throw new TouchstoneError("InvalidData", {
    what: "There is no other record to take an irrelevant sentence from",
    where: task,
    todo: "Give more records, or take another perturbation.",
  });
}

/** What a question says: its sentences, or all of it as one where none is complete. */
function sentencesOf(question: Question): string[] {
  const texts =
    question.form === "contexts"
      ? [`${question.contexts[question.gold]} ${question.continuation}`]
      : textsOf(question).filter((text) => text.trim() !== "");
  const complete = texts.flatMap(completeSentences);
  return complete.length > 0 ? complete : texts.map((text) => `${text.trim().replaceAll(/\s+/g, " ")}.`);
}

function answersOf(question: Question): readonly string[] {
  switch (question.form) {
    case "choices":
      return question.choices;
    case "contexts":
      return [question.continuation];
    case "completion":
      return [question.target];
  }
}

/** The record's own texts in its context. */
function textsOf(question: Question): string[] {
  const context = question.form === "contexts" ? question.contexts[0] : question.context;
  return spansOf(question).map(({ start, end }) => context.slice(start, end));
}

function spansOf(question: Question): readonly Span[] {
  if (question.texts !== undefined) return question.texts;
  if (question.form === "contexts") return [{ start: 0, end: commonWords(question.contexts) }];
  return [{ start: 0, end: question.context.length }];
}

/** Length of what all texts begin with, in whole words. */
function commonWords([first, ...others]: readonly string[]): number {
  let length = 0;
  while (length < first.length && others.every((other) => other[length] === first[length])) length++;
  return first.slice(0, length).search(/\S*$/);
}

function withTexts(question: Question, texts: readonly string[]): Question {
  const spans = spansOf(question);
  let shift = 0;
  const moved = spans.map(({ start, end }, i) => {
    const span = { start: start + shift, end: start + shift + texts[i].length };
    shift = span.end - end;
    return span;
  });
  if (question.form === "contexts") {
    const contexts = question.contexts.map((context) => replaceSpans(context, spans, texts));
    return { ...question, contexts, texts: moved };
  }
  return { ...question, context: replaceSpans(question.context, spans, texts), texts: moved };
}
