import { TouchstoneError } from "../study/errors.js";
import { readBytes } from "./decompress.js";
import type { DataFile } from "./files.js";
import type { Row } from "./row.js";

/** Far above any document; a file without line ends would otherwise be taken into memory whole. */
const LONGEST_LINE = 256 * 2 ** 20;
const NEWLINE = 10;

/** One JSON object a line; blank lines are skipped. */
export async function* readJsonLines(file: DataFile): AsyncGenerator<Row> {
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes: Uint8Array) => utf8.decode(bytes);
  let number = 0;
  for await (const line of splitLines(file)) {
    number++;
    const fields = parseLine(line, decode, `${file.uri}, line ${number}`);
    if (fields !== undefined) yield { number, fields };
  }
}

async function* splitLines(file: DataFile): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let pendingLength = 0;
  for await (const bytes of readBytes(file)) {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      const last = bytes.subarray(start, end);
      yield pending.length === 0 ? last : Buffer.concat([...pending, last]);
      pending = [];
      pendingLength = 0;
      start = end + 1;
    }
    if (start === bytes.length) continue;
    pending.push(bytes.subarray(start));
    pendingLength += bytes.length - start;
    if (pendingLength > LONGEST_LINE) throw noLines(file.uri);
  }
  if (pending.length > 0) yield Buffer.concat(pending);
}

function parseLine(
  line: Uint8Array,
  decode: (bytes: Uint8Array) => string,
  where: string,
): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    const text = decode(line);
    if (text.trim() === "") return undefined;
    value = JSON.parse(text);
  } catch (cause) {
    const isText = cause instanceof SyntaxError;
    throw new TouchstoneError(
      "InvalidData",
      {
        what: isText ? `The line is not JSON: ${cause.message}` : "The line is not UTF-8 text",
        where,
        todo: "A file of records has one JSON object a line; if this one was cut short, fetch it again.",
      },
      { cause },
    );
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TouchstoneError("InvalidData", {
    what: `The line holds ${Array.isArray(value) ? "a list" : JSON.stringify(value).slice(0, 40)}, not a JSON object`,
    where,
    todo: 'Write one object a line, such as {"text": "..."}.',
  });
}

function noLines(uri: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `A line is longer than ${LONGEST_LINE / 2 ** 20} MiB: this is not JSON Lines`,
    where: uri,
    todo: "Write one JSON object a line.",
  });
}
