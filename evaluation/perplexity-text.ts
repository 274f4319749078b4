import { readFile } from "../storage/files.js";
import { hasRows, readRows } from "../storage/rows.js";
import { parseTokens } from "../storage/tokens-file.js";
import { TouchstoneError } from "../study/errors.js";

/** What a perplexity is taken of: a text that is still to be cut into windows, or windows of token ids. */
export type PerplexityInput = { text: string } | { windows: readonly Int32Array[] };

/**
 * A JSON file `{"input_ids": [[...], ...]}` holds windows, which are taken as they are; any other file a text.
 * @throws TouchstoneError InvalidData as `readPerplexityText`, or for token ids that aren't
 */
export async function readPerplexityInput(uri: string): Promise<PerplexityInput> {
  const json = /\.json$/i.test(uri) ? parseObject(await readFile(uri)) : undefined;
  if (json === undefined || !("input_ids" in json) || "text" in json) return { text: await readPerplexityText(uri) };
  const windows = parseTokens(json, uri);
  if (windows[0].length > 1) return { windows };
  throw new TouchstoneError("InvalidData", {
    what: "A window of one token predicts none",
    where: uri,
    todo: "Give windows of two tokens or more.",
  });
}

/** undefined for what isn't one JSON object: records, a line each, are not. */
function parseObject(bytes: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Texts of a data set's rows are joined by this, as the compression papers join WikiText-2's. */
const SEPARATOR = "\n\n";

/**
 * The text whose perplexity is taken: a plain text file byte for byte, or the field `text` of the records of a JSON Lines, Parquet
 * or Arrow file, joined by two newlines (WikiText's rows bring a newline of their own).
 * @throws TouchstoneError InvalidData for a file that can't be read, or a record without text
 */
export async function readPerplexityText(uri: string): Promise<string> {
  return (await readDocuments(uri)).join(SEPARATOR);
}

/** The same texts apart: a plain text file is one. @throws as readPerplexityText */
export async function readDocuments(uri: string): Promise<string[]> {
  if (!hasRows(uri)) return [new TextDecoder("utf-8", { ignoreBOM: true }).decode(await readFile(uri))];
  const texts: string[] = [];
  for await (const { text } of readRows(uri)) {
    if (typeof text !== "string") {
      throw new TouchstoneError("InvalidData", {
        what: 'The record has no field "text" with a text',
        where: `${uri}, record ${texts.length}`,
        todo: "Correct it, or give a plain text file.",
      });
    }
    texts.push(text);
  }
  return texts;
}
