import { listFiles } from "../storage/files.js";
import { missingField } from "../storage/row.js";
import { hasRows, ROW_EXTENSIONS, readNumberedRows, rowPlace } from "../storage/rows.js";
import { TouchstoneError } from "../study/errors.js";
import { isTextFile, readTextFile } from "./text-file.js";

/** A text of a source. */
export interface SourceDocument {
  /** Where it lies: the file, and in it the line or row, counted from 1 (`corpus.jsonl.gz:17`). */
  place: string;
  text: string;
}

/**
 * The files that a source's path names (a file, a folder or a glob; local or s3://), sorted; those of unknown formats are
 * left out.
 * @throws TouchstoneError InvalidData where none are left
 */
export async function sourceFiles(path: string): Promise<string[]> {
  const found = await listFiles(path);
  const readable = found.filter((uri) => hasRows(uri) || isTextFile(uri));
  if (readable.length > 0) return readable;
  throw new TouchstoneError("InvalidData", {
    what: found.length === 0 ? "There is no such file or folder" : "There is no file of a known format",
    where: path,
    todo:
      found.length === 0
        ? "Check the source's path; it names a file, a folder or a glob, local or s3://."
        : `Names end in ${ROW_EXTENSIONS}, or .txt (one document a file).`,
  });
}

/**
 * The documents of `files`, one after another; `field` names the text in files that have records. Never holds more than a
 * line, a row group or a record batch.
 * @throws TouchstoneError InvalidData naming file and line or row, at the first that is missing, corrupt, without the field or not text
 */
export async function* readDocuments(files: readonly string[], field: string): AsyncGenerator<SourceDocument> {
  for (const uri of files) {
    if (isTextFile(uri)) yield { place: uri, text: await readTextFile(uri) };
    else yield* readRecords(uri, field);
  }
}

async function* readRecords(uri: string, field: string): AsyncGenerator<SourceDocument> {
  for await (const { number, fields } of readNumberedRows(uri, field)) {
    const text = fields[field];
    if (typeof text !== "string") throw notText(fields, field, rowPlace(uri, number));
    yield { place: `${uri}:${number}`, text };
  }
}

function notText(fields: Readonly<Record<string, unknown>>, field: string, where: string): TouchstoneError {
  if (!Object.hasOwn(fields, field)) return missingField(field, Object.keys(fields), where);
  const value = fields[field];
  return new TouchstoneError("InvalidData", {
    what: `The field "${field}" is not text but ${value === null ? "null" : Array.isArray(value) ? "a list" : typeof value}`,
    where,
    todo: "Name the field that holds the documents, and leave out records without text.",
  });
}
