import { z } from "zod";
import { readFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { parseOrThrow } from "../study/parse.js";
import { decodeSet } from "./set.js";

const tokenId = z.int().nonnegative();
const tokensFileSchema = z.object({ input_ids: z.array(z.array(tokenId).nonempty()).nonempty() });

/**
 * The token ids of a calibration set, sequence by sequence, all of one length: SET.arrow, or JSON `{"input_ids": [[...], ...]}`.
 * @throws TouchstoneError InvalidData
 */
export async function readCalibration(path: string): Promise<Int32Array[]> {
  const bytes = await readFile(path);
  if (/\.arrow$/i.test(path)) return decodeSet(bytes, path).sequences.map(({ tokens }) => tokens);
  const { input_ids } = parseOrThrow(tokensFileSchema, parseJson(bytes, path), "InvalidData", path);
  const { length } = input_ids[0];
  const other = input_ids.findIndex((ids) => ids.length !== length);
  if (other === -1) return input_ids.map((ids) => Int32Array.from(ids));
  throw new TouchstoneError("InvalidData", {
    what: `Sequence ${other} has ${input_ids[other].length} tokens, but the first has ${length}`,
    where: path,
    todo: "Cut all sequences to one length.",
  });
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
