import { readFile } from "../storage/files.js";
import { parseTokens } from "../storage/tokens-file.js";
import { TouchstoneError } from "../study/errors.js";
import { type CalibrationSet, decodeSet, setOfTokens } from "./set.js";

/**
 * A calibration set: SET.arrow, or JSON `{"input_ids": [[...], ...]}`, which says nothing of where its tokens are from.
 * @throws TouchstoneError InvalidData
 */
export async function readSetFile(path: string): Promise<CalibrationSet> {
  const bytes = await readFile(path);
  return /\.arrow$/i.test(path) ? decodeSet(bytes, path) : setOfTokens(parseTokens(parseJson(bytes, path), path));
}

/** Its token ids alone. @throws TouchstoneError InvalidData */
export async function readCalibration(path: string): Promise<Int32Array[]> {
  return (await readSetFile(path)).sequences.map(({ tokens }) => tokens);
}

function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new TouchstoneError(
      "InvalidData",
      {
        what: bytes.length === 0 ? "The file is empty" : "This is neither an .arrow file nor JSON",
        where,
        todo: 'Give a set drawn with `touchstone sample`, or JSON {"input_ids": [[...], ...]}.',
      },
      { cause },
    );
  }
}
