import { TouchstoneError } from "../study/errors.js";
import { pythonRandom, pythonSample } from "./python-random.js";
import type { Question } from "./question.js";
import { type Records, recordKey, type TaskRecords } from "./records.js";
import type { FewShot, Task } from "./task.js";

/** What lm-evaluation-harness draws examples with where it is told nothing else. */
export const FEW_SHOT_SEED = 1234;

/** The task with another number of examples before its questions; null: as many as it has. */
export function withFewShot(task: Task, count: number | null): Task {
  return count === null ? task : { ...task, fewShot: { ...task.fewShot, count } };
}

/**
 * A task's questions, each after its examples, as lm-evaluation-harness 0.4 has them (`ContextSampler`): one generator draws for
 * all records in their order; where the examples' split is the test split, one example more is drawn, and the record
 * itself is dropped from them.
 * @throws TouchstoneError InvalidData naming the record and the key that is wrong, or where there are too few examples
 */
export function askQuestions(task: Task, data: TaskRecords): Question[] {
  const questions = task.questions(data.records, data.place);
  const { fewShot } = task;
  if (fewShot.count === 0 || data.examples === undefined) return questions;
  const { examples } = data;
  const isOwn = examples.records === data.records;
  const solved = isOwn ? questions : task.questions(examples.records, examples.place);
  const texts = solved.map((example) => exampleText(example, fewShot));
  const draw = drawer(task, examples);
  return questions.map((question, i) => ({
    ...question,
    prefix:
      (question.prefix ?? "") +
      draw(data.records[i])
        .map((index) => texts[index])
        .join(""),
  }));
}

/** A question with its answer. */
function exampleText(question: Question, { targetDelimiter, delimiter }: FewShot): string {
  switch (question.form) {
    case "choices":
      return question.context + targetDelimiter + question.choices[question.gold] + delimiter;
    case "contexts":
      return question.contexts[question.gold] + targetDelimiter + question.continuation + delimiter;
    case "completion":
      return question.context + targetDelimiter + question.target + delimiter;
  }
}

/** Gives the indices of a record's examples; called for each record in order. */
function drawer(
  { name, fewShot }: Task,
  { records, where }: Records,
): (record: Records["records"][number]) => number[] {
  const { count, sampler, dropsItself } = fewShot;
  const keys = dropsItself ? records.map(recordKey) : [];
  const all = records.map((_, i) => i);
  const random = pythonRandom(FEW_SHOT_SEED);
  const drawn = Math.min(records.length, dropsItself ? count + 1 : count);
  return (record) => {
    const indices = sampler === "first_n" ? all : pythonSample(random, records.length, drawn);
    const own = dropsItself ? recordKey(record) : undefined;
    const chosen: number[] = [];
    for (const index of indices) {
      if (chosen.length === count) break;
      if (keys[index] === undefined || keys[index] !== own) chosen.push(index);
    }
    if (chosen.length === count) return chosen;
    throw new TouchstoneError("InvalidData", {
      what: `There are ${chosen.length} different examples for a question of ${name}, which has ${count} before it`,
      where,
      todo: "Give more records to draw from (repeated ones count once), or ask for fewer examples.",
    });
  };
}
