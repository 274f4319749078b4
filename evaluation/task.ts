import type { z } from "zod";
import { TouchstoneError } from "../study/errors.js";
import { parseOrThrow } from "../study/parse.js";
import type { PerturbationSetting } from "./perturbation/perturbation.js";
import type { Question } from "./question.js";

/** A record counts 0 or 1. */
export type Accuracy = "acc" | "acc_norm";
export type Metric = Accuracy | "perplexity";

/** How a metric's values over records become one, by the harness's name. */
export function aggregationOf(metric: Metric): "perplexity" | "mean" {
  return metric === "perplexity" ? "perplexity" : "mean";
}

export function isHigherBetter(metric: Metric): boolean {
  return metric !== "perplexity";
}

/** How solved examples stand before a question, and where they are drawn from, as lm-evaluation-harness has it. */
export interface FewShot {
  /** Examples before each question. */
  count: number;
  /** The split that they are drawn from; the task's own: the records themselves. */
  split: string;
  /** `default`: drawn at random for each question; `first_n`: always the split's first. */
  sampler: "default" | "first_n";
  /** Whether one more is drawn, and the record itself is dropped from them. */
  dropsItself: boolean;
  /** Between a question and its answer. */
  targetDelimiter: string;
  /** After each example. */
  delimiter: string;
  /** What is drawn from, where the task brings examples of its own. */
  samples?: readonly Readonly<Record<string, unknown>>[];
}

/** Where a record is, for messages: a file, or a function that gives the place of the record with that index. */
export type Where = string | ((index: number) => string);

/** One benchmark. Everything that the harness's results say about a task is here. */
export interface Task {
  /** As in the harness's results. */
  readonly name: string;
  /** Shorter names that are accepted for it. */
  readonly aliases: readonly string[];
  /** Names that the files of its records may have, without extension. */
  readonly files: readonly string[];
  /** The harness's version of the task, or this project's own. */
  readonly version: number | string;
  /** Which of the hub's splits the records are. */
  readonly split: string;
  readonly metrics: readonly Metric[];
  readonly fewShot: FewShot;
  /** How the contexts are perturbed, where the name says so (`piqa@typos:0.1`): done by `perturbation/perturb.ts`, after `questions`. */
  readonly perturbed?: PerturbationSetting;
  /** A task's own definition, where it is from a YAML file. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * What the records ask, in their order, without examples (`few-shot.ts` puts them before).
   * @throws TouchstoneError InvalidData naming the record and the key that is wrong
   */
  questions(records: readonly unknown[], where: Where): Question[];
}

interface Definition<Schema extends z.ZodType>
  extends Omit<Task, "perturbed" | "aliases" | "files" | "fewShot" | "questions"> {
  readonly aliases?: readonly string[];
  /** The split of the examples before questions, where they are asked for; `train` where nothing else is said. */
  readonly fewShotSplit?: string;
  /** The fields that are read of a record; others are ignored. */
  readonly record: Schema;
  /** What a record asks; `all` are the records of the whole file. */
  question(record: z.output<Schema>, all: readonly z.output<Schema>[]): Question;
}

/** A task whose records are checked before its questions are made. */
export function defineTask<Schema extends z.ZodType>(definition: Definition<Schema>): Task {
  const { name, aliases = [], version, split, metrics, record: schema, question } = definition;
  return {
    name,
    aliases,
    files: [name, ...aliases],
    version,
    split,
    metrics,
    fewShot: {
      ...{ count: 0, sampler: "default", targetDelimiter: " ", delimiter: "\n\n" },
      split: definition.fewShotSplit ?? "train",
      // The harness compares the examples' split, which these tasks leave unsaid, with the test split.
      dropsItself: split !== "test",
    },
    questions: (records, where) => {
      requireRecords(name, records, where);
      const valid = records.map((record, index) => parseOrThrow(schema, record, "InvalidData", placeOf(where, index)));
      return valid.map((record) => question(record, valid));
    },
  };
}

/** @throws TouchstoneError InvalidData where there are none */
export function requireRecords(task: string, records: readonly unknown[], where: Where): void {
  if (records.length > 0) return;
  throw new TouchstoneError("InvalidData", {
    what: `There are no records of ${task}`,
    where: typeof where === "string" ? where : undefined,
    todo: "Fetch the file again.",
  });
}

/** Where the record with that index is, for messages. */
export function placeOf(where: Where, index: number): string {
  return typeof where === "string" ? `${where}, record ${index}` : where(index);
}
