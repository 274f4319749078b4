import { readFile } from "../storage/files.js";
import { hasRows, readRows } from "../storage/rows.js";
import { TouchstoneError } from "../study/errors.js";

/** Texts of a data set's rows are joined by this, as the compression papers join WikiText-2's. */
const SEPARATOR = "\n\n";

/**
 * The text whose perplexity is taken: a plain text file byte for byte, or the field `text` of the records of a JSON Lines, Parquet
 * or Arrow file, joined by two newlines (WikiText's rows bring a newline of their own).
 * @throws TouchstoneError InvalidData for a file that can't be read, or a record without text
 */
export async function readPerplexityText(uri: string): Promise<string> {
  if (!hasRows(uri)) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await readFile(uri));
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
  return texts.join(SEPARATOR);
}
