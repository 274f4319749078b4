import { TouchstoneError } from "../../study/errors.js";
import type { Question } from "../question.js";
import {
  aggregationOf,
  type FewShot,
  isHigherBetter,
  type Metric,
  placeOf,
  requireRecords,
  type Task,
} from "../task.js";
import { type Field, fieldOf, framedFieldOf } from "./field.js";
import { type Config, isConfig } from "./read.js";
import { parseTaskConfig, type TaskConfig } from "./schema.js";

/**
 * The task that a YAML file of lm-evaluation-harness's form defines.
 * @param where the file, or what stands for it in messages
 * @throws TouchstoneError InvalidTask naming the key that is wrong or not supported
 */
export function yamlTask(config: Config, where: string): Task {
  const parsed = parseTaskConfig(config, where);
  const { task: name, metadata, test_split, validation_split } = parsed;
  const split = test_split ?? validation_split;
  if (split == null) throw invalid("test_split: is missing, and so is validation_split", where);
  const ask = parsed.output_type === "loglikelihood" ? completion(parsed, where) : choices(parsed, where);
  const description = fieldOf(parsed.description, { key: "description", where, gives: "text" });
  return {
    name,
    aliases: [],
    files: [name],
    version: metadata.version,
    split,
    metrics: metricsOf(parsed, where),
    fewShot: fewShotOf(parsed, split),
    config,
    questions: (records, place) => {
      requireRecords(name, records, place);
      return records.map((record, index) => {
        const at = placeOf(place, index);
        if (!isConfig(record)) throw unanswerable("The record is not an object", at);
        const prefix = parsed.description === "" ? "" : textOf(description(record, at), "description", at);
        return prefix === "" ? ask(record, at) : { ...ask(record, at), prefix };
      });
    },
  };
}

type Ask = (record: Config, place: string) => Question;

/** `loglikelihood`: the target stands directly after the context; a space between them is the target's own. */
function completion({ doc_to_text, doc_to_target }: TaskConfig, where: string): Ask {
  const text = framedFieldOf(doc_to_text, { key: "doc_to_text", where, gives: "text" });
  const target = fieldOf(doc_to_target, { key: "doc_to_target", where, gives: "text" });
  return (record, place) => {
    const { value, texts } = text(record, place);
    return {
      form: "completion",
      context: textOf(value, "doc_to_text", place),
      texts,
      target: textOf(target(record, place), "doc_to_target", place),
    };
  };
}

/** `multiple_choice`: which choice continues the text; or, where doc_to_text gives a number, which choice the target follows. */
function choices({ doc_to_text, doc_to_choice, doc_to_target, target_delimiter }: TaskConfig, where: string): Ask {
  if (doc_to_choice == null) throw invalid("doc_to_choice: is missing", where);
  const text = framedFieldOf(doc_to_text, { key: "doc_to_text", where, gives: "textOrNumber" });
  const target = fieldOf(doc_to_target, { key: "doc_to_target", where, gives: "textOrNumber" });
  const list: Field =
    typeof doc_to_choice === "string"
      ? fieldOf(doc_to_choice, { key: "doc_to_choice", where, gives: "value" })
      : () => Object.values(doc_to_choice);
  const delimiter = target_delimiter === " " ? {} : { delimiter: target_delimiter };
  return (record, place) => {
    const options = choicesOf(list(record, place), place);
    const { value, texts } = text(record, place);
    const context = asIndex(value);
    const answer = asIndex(target(record, place));
    if (typeof context !== "number") {
      return {
        ...delimiter,
        form: "choices",
        context: textOf(context, "doc_to_text", place),
        texts,
        choices: options,
        gold: goldOf(answer, options, "doc_to_target", place),
      };
    }
    return {
      ...delimiter,
      form: "contexts",
      contexts: options,
      continuation: textOf(answer, "doc_to_target", place),
      gold: goldOf(context, options, "doc_to_text", place),
    };
  };
}

/** Records have indices as numbers of several kinds. */
function asIndex(value: unknown): unknown {
  return typeof value === "bigint" || typeof value === "boolean" ? Number(value) : value;
}

function choicesOf(value: unknown, place: string): string[] {
  if (!Array.isArray(value)) throw unanswerable("doc_to_choice: gives no list of choices", place);
  if (value.length === 0) throw unanswerable("doc_to_choice: gives no choices", place);
  return value.map((choice: unknown, i) => {
    if (typeof choice === "string" && choice !== "") return choice;
    throw unanswerable(`doc_to_choice: choice ${i} is ${choice === "" ? "empty" : "no text"}`, place);
  });
}

/** The index of the right choice: given as such, or as the choice's text. */
function goldOf(value: unknown, options: readonly string[], key: string, place: string): number {
  const gold = typeof value === "string" ? options.indexOf(value) : value;
  if (typeof gold === "number" && Number.isInteger(gold) && gold >= 0 && gold < options.length) return gold;
  throw unanswerable(`${key}: ${JSON.stringify(value)} is none of the ${options.length} choices`, place);
}

function textOf(value: unknown, key: string, place: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw unanswerable(`${key}: gives ${value === null ? "nothing" : "no text"}`, place);
}

function metricsOf({ output_type, metric_list }: TaskConfig, where: string): Metric[] {
  const possible: Metric[] = output_type === "loglikelihood" ? ["acc", "perplexity"] : ["acc", "acc_norm"];
  for (const [i, { metric, aggregation, higher_is_better }] of (metric_list ?? []).entries()) {
    const key = `metric_list[${i}]`;
    if (!possible.includes(metric)) throw invalid(`${key}: ${metric} is not measured by ${output_type}`, where);
    const [usual, higherIsBetter] = [aggregationOf(metric), isHigherBetter(metric)];
    if ((aggregation ?? usual) !== usual) throw invalid(`${key}.aggregation: of ${metric} it is ${usual}`, where);
    if ((higher_is_better ?? higherIsBetter) !== higherIsBetter) {
      throw invalid(`${key}.higher_is_better: of ${metric} it is ${higherIsBetter}`, where);
    }
  }
  return metric_list?.map(({ metric }) => metric) ?? possible;
}

function fewShotOf(parsed: TaskConfig, own: string): FewShot {
  const { fewshot_config, fewshot_split, training_split, validation_split, test_split } = parsed;
  const { sampler = "default", split, samples } = fewshot_config ?? {};
  // The harness compares what is said of the split, also where nothing is.
  const said = split ?? fewshot_split ?? null;
  return {
    count: parsed.num_fewshot ?? 0,
    split: said ?? training_split ?? validation_split ?? own,
    sampler,
    dropsItself: said === (test_split ?? null),
    targetDelimiter: parsed.target_delimiter,
    delimiter: parsed.fewshot_delimiter,
    ...(samples === undefined || said !== null ? {} : { samples }),
  };
}

function invalid(what: string, where: string): TouchstoneError {
  return new TouchstoneError("InvalidTask", { what, where, todo: "Correct it." });
}

function unanswerable(what: string, where: string): TouchstoneError {
  return new TouchstoneError("InvalidData", { what, where, todo: "Correct the record, or the task's definition." });
}
