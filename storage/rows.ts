import { TouchstoneError } from "../study/errors.js";
import { readArrowRows } from "./arrow-rows.js";
import { type DataFile, openFile } from "./files.js";
import { readJsonLines } from "./json-lines.js";
import { readParquetRows } from "./parquet.js";
import { emptyFile } from "./read-error.js";
import type { Row } from "./row.js";

interface RowFormat {
  extension: RegExp;
  /** What a record is called in messages. */
  unit: "line" | "row";
  /** With `column`, only that column need be read. The file stays open. */
  read(file: DataFile, column?: string): AsyncGenerator<Row>;
}

const formats: readonly RowFormat[] = [
  { extension: /\.jsonl?(\.gz|\.zst)?$/i, unit: "line", read: readJsonLines },
  { extension: /\.parquet$/i, unit: "row", read: readParquetRows },
  { extension: /\.(arrow|feather)$/i, unit: "row", read: readArrowRows },
];

export const ROW_EXTENSIONS = ".jsonl, .json (also with .gz or .zst), .parquet, .arrow, .feather";

/** Whether the file's name ends as that of a format with records. */
export function hasRows(uri: string): boolean {
  return formatOf(uri) !== undefined;
}

/**
 * The records of a JSON Lines (plain, gzip, Zstandard), Parquet or Arrow file, local or in S3, as plain values (whole numbers
 * as `number` where they fit, lists as arrays). Holds no more than a line, a row group or a record batch.
 * @throws TouchstoneError InvalidData naming the file and the line or row: missing, empty, truncated, corrupt, unknown format
 */
export async function* readRows(uri: string): AsyncGenerator<Record<string, unknown>> {
  for await (const { fields } of readNumberedRows(uri)) yield fields;
}

/** As `readRows`, with each record's number; where `column` is given, other columns may be missing from the records. */
export async function* readNumberedRows(uri: string, column?: string): AsyncGenerator<Row> {
  knownFormat(uri);
  const file = await openFile(uri);
  try {
    yield* rowsOf(file, column);
  } finally {
    await file.close();
  }
}

/** The records of an open file, which stays open. */
export async function* rowsOf(file: DataFile, column?: string): AsyncGenerator<Row> {
  const { read } = knownFormat(file.uri);
  if (file.size === 0) throw emptyFile(file.uri);
  let found = false;
  for await (const row of read(file, column)) {
    found = true;
    yield row;
  }
  if (found) return;
  throw new TouchstoneError("InvalidData", {
    what: "The file is empty: it holds no records",
    where: file.uri,
    todo: "Fetch it again, or leave it out.",
  });
}

/** Where a record is, for messages: `file, line 7`. */
export function rowPlace(uri: string, number: number): string {
  return `${uri}, ${formatOf(uri)?.unit ?? "row"} ${number}`;
}

function knownFormat(uri: string): RowFormat {
  const format = formatOf(uri);
  if (format !== undefined) return format;
  throw new TouchstoneError("InvalidData", {
    what: "The format is not known by the file's name",
    where: uri,
    todo: `Names end in ${ROW_EXTENSIONS}.`,
  });
}

function formatOf(uri: string): RowFormat | undefined {
  return formats.find(({ extension }) => extension.test(uri));
}
