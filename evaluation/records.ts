import { fileExists, joinUri } from "../storage/files.js";
import { readNumberedRows, rowPlace } from "../storage/rows.js";
import { TouchstoneError } from "../study/errors.js";
import { placeOf, type Task } from "./task.js";

const FORMATS = [".jsonl", ".parquet", ".arrow"] as const;

/** Records, not yet checked. */
export interface Records {
  records: readonly Readonly<Record<string, unknown>>[];
  /** What they are from: a file, or a definition that brings them. */
  where: string;
  isFile: boolean;
  /** The file and line (or row) of a record, for messages. */
  place(index: number): string;
}

/** What a task is asked with. */
export interface TaskRecords extends Records {
  /** What examples are drawn from, where the task has any before its questions. */
  examples?: Records;
}

/** The files in which records are looked for, in this order. */
export function recordFiles(stems: readonly string[]): string[] {
  return stems.flatMap((stem) => FORMATS.map((format) => stem + format));
}

/**
 * The file with a task's records: `<task>.jsonl`, `.parquet` or `.arrow`, under one of the task's names.
 * @param dataFolder local or s3://
 * @param split another split than the task's own: `<task>.<split>.jsonl` and so on
 * @throws TouchstoneError InvalidData naming the files that were looked for
 */
export async function findTaskRecords(dataFolder: string, task: Task, split = task.split): Promise<string> {
  const middle = split === task.split ? "" : `.${split}`;
  const files = recordFiles(task.files.map((stem) => stem + middle));
  for (const file of files) {
    const uri = joinUri(dataFolder, file);
    if (await fileExists(uri)) return uri;
  }
  throw new TouchstoneError("InvalidData", {
    what: `There are no records of ${task.name}${middle === "" ? "" : ` to draw examples from (split ${split})`}: none of ${files.join(", ")}`,
    where: dataFolder,
    todo: "Put one of these files there, with the fields of the Hugging Face hub's data set.",
  });
}

/**
 * All records of a task, not yet checked, and those that its examples are drawn from.
 * @throws TouchstoneError as `findTaskRecords`; InvalidData for a file that can't be read
 */
export async function readTaskRecords(dataFolder: string, task: Task): Promise<TaskRecords> {
  const own = await readRecords(await findTaskRecords(dataFolder, task));
  const { count, split, samples } = task.fewShot;
  if (count === 0) return own;
  if (samples !== undefined) return { ...own, examples: givenRecords(samples, `${task.name}, fewshot_config.samples`) };
  if (split === task.split) return { ...own, examples: own };
  return { ...own, examples: await readRecords(await findTaskRecords(dataFolder, task, split)) };
}

/** Records that are in no file. */
export function givenRecords(records: Records["records"], where: string): Records {
  return { records, where, isFile: false, place: (index) => placeOf(where, index) };
}

/** How many records are repetitions of one before them. */
export function countDuplicates(records: Records["records"]): number {
  return records.length - new Set(records.map(recordKey)).size;
}

/** The same for records with the same content. */
export function recordKey(record: unknown): string {
  return JSON.stringify(record, (_, value) => (typeof value === "bigint" ? value.toString() : value));
}

async function readRecords(where: string): Promise<Records> {
  const records: Readonly<Record<string, unknown>>[] = [];
  const numbers: number[] = [];
  for await (const { number, fields } of readNumberedRows(where)) {
    records.push(fields);
    numbers.push(number);
  }
  return { records, where, isFile: true, place: (index) => rowPlace(where, numbers[index]) };
}
