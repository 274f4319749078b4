import { readBytes } from "../storage/decompress.js";
import { openFile } from "../storage/files.js";
import { emptyFile } from "../storage/read-error.js";
import { TouchstoneError } from "../study/errors.js";

/** A larger file is no document, and JavaScript's strings end at 512 MiB. */
const LARGEST = 256 * 2 ** 20;

export function isTextFile(uri: string): boolean {
  return /\.txt$/i.test(uri);
}

/** The whole file as one document. @throws TouchstoneError InvalidData: missing, empty, too large, not UTF-8 */
export async function readTextFile(uri: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const file = await openFile(uri);
  try {
    if (file.size === 0) throw emptyFile(uri);
    for await (const part of readBytes(file)) {
      parts.push(part);
      size += part.length;
      if (size > LARGEST) throw tooLarge(uri);
    }
  } finally {
    await file.close();
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(parts));
  } catch (cause) {
    throw new TouchstoneError(
      "InvalidData",
      { what: "The file is not UTF-8 text", where: uri, todo: "Convert it, or give another file." },
      { cause },
    );
  }
}

function tooLarge(uri: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `A text file is one document, and this one is larger than ${LARGEST / 2 ** 20} MiB`,
    where: uri,
    todo: 'Split it into documents: JSON Lines with one {"text": "..."} a line.',
  });
}
