import { createWriteStream } from "node:fs";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { readRows } from "../storage/rows.js";
import { TouchstoneError } from "../study/errors.js";
import type { HubDataset } from "./dataset.js";
import type { HubFile } from "./listing.js";

/** A file that is to be in the folder, and what it is made from. */
export interface Planned {
  path: string;
  from: HubFile[];
  /** Left out where the repository's file is taken as it is. */
  combine?: "records" | "text";
}

/** What becomes of a split's files: sources keep theirs; a task or a text is one file. */
export function plannedOutputs({ name, kind }: HubDataset, files: HubFile[]): Planned[] {
  if (kind === "source") return files.map((file) => ({ path: `${name}/${file.path}`, from: [file] }));
  if (kind === "text") return [{ path: `${name}.txt`, from: files, combine: "text" }];
  const extension = files.length === 1 ? /\.(parquet|jsonl)$/.exec(files[0].path)?.[0] : undefined;
  if (extension !== undefined) return [{ path: `${name}${extension}`, from: files }];
  return [{ path: `${name}.jsonl`, from: files, combine: "records" }];
}

/**
 * Writes one file from the records of several, in their order: as JSON Lines, or the text of `field` joined by two newlines.
 * @throws TouchstoneError InvalidData for a file that can't be read, or a record without the field
 */
export async function combine(how: "records" | "text", files: readonly string[], field: string, out: string) {
  const parts = how === "records" ? jsonLines(files) : joinedTexts(files, field);
  await pipeline(Readable.from(parts), createWriteStream(out));
}

async function* jsonLines(files: readonly string[]): AsyncGenerator<string> {
  for (const file of files) for await (const record of readRows(file)) yield `${JSON.stringify(record)}\n`;
}

async function* joinedTexts(files: readonly string[], field: string): AsyncGenerator<string> {
  let first = true;
  for (const file of files) {
    for await (const record of readRows(file)) {
      const text = record[field];
      if (typeof text !== "string") throw noText(field, file);
      yield first ? text : `\n\n${text}`;
      first = false;
    }
  }
}

function noText(field: string, file: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `A record has no text in its field "${field}": the data set has changed`,
    where: basename(file),
    todo: "Name an earlier revision with --revision.",
  });
}
