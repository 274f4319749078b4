import type { z } from "zod";
import { TouchstoneError } from "../study/errors.js";
import { parseOrThrow } from "../study/parse.js";
import type { Question } from "./question.js";

export type Metric = "acc" | "acc_norm" | "perplexity";

/** One benchmark. Everything that the harness's results say about a task is here. */
export interface Task {
  /** As in the harness's results. */
  readonly name: string;
  /** Shorter names that are accepted for it. */
  readonly aliases: readonly string[];
  /** The harness's version of the task, or this project's own. */
  readonly version: number;
  /** Which of the hub's splits the records are. */
  readonly split: "validation" | "test";
  readonly metrics: readonly Metric[];
  /**
   * What the records ask, in their order.
   * @throws TouchstoneError InvalidData naming the record (counted from 0) and the key that is wrong
   */
  questions(records: readonly unknown[], where: string): Question[];
}

interface Definition<Schema extends z.ZodType> extends Omit<Task, "aliases" | "questions"> {
  readonly aliases?: readonly string[];
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
    version,
    split,
    metrics,
    questions: (records, where) => {
      if (records.length === 0) {
        throw new TouchstoneError("InvalidData", {
          what: `There are no records of ${name}`,
          where,
          todo: "Fetch the file again.",
        });
      }
      const valid = records.map((record, index) =>
        parseOrThrow(schema, record, "InvalidData", `${where}, record ${index}`),
      );
      return valid.map((record) => question(record, valid));
    },
  };
}
