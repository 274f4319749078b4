import { z } from "zod";
import { readFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { parseOrThrow } from "../study/parse.js";
import { type CalibrationSet, decodeSet, sequencesDigest, tokensDigest } from "./set.js";

const tokenId = z.int().nonnegative();
const tokensFileSchema = z.object({ input_ids: z.array(z.array(tokenId).nonempty()).nonempty() });

/** A calibration set as a file holds it. */
export interface CalibrationFile {
  /** All of one length. */
  sequences: Int32Array[];
  /** Of the token ids (`sequencesDigest`). */
  digest: string;
  /** The set with its provenance, where the file says that. */
  set?: CalibrationSet;
}

/**
 * A calibration set: SET.arrow, or JSON `{"input_ids": [[...], ...]}`.
 * @throws TouchstoneError InvalidData
 */
export async function readCalibrationFile(path: string): Promise<CalibrationFile> {
  const bytes = await readFile(path);
  if (/\.arrow$/i.test(path)) {
    const set = decodeSet(bytes, path);
    return { sequences: set.sequences.map(({ tokens }) => tokens), digest: tokensDigest(set), set };
  }
  const { input_ids } = parseOrThrow(tokensFileSchema, parseJson(bytes, path), "InvalidData", path);
  const { length } = input_ids[0];
  const other = input_ids.findIndex((ids) => ids.length !== length);
  if (other !== -1) {
    throw new TouchstoneError("InvalidData", {
      what: `Sequence ${other} has ${input_ids[other].length} tokens, but the first has ${length}`,
      where: path,
      todo: "Cut all sequences to one length.",
    });
  }
  const sequences = input_ids.map((ids) => Int32Array.from(ids));
  return { sequences, digest: sequencesDigest(sequences, length) };
}

/** Its token ids alone. @throws TouchstoneError InvalidData */
export async function readCalibration(path: string): Promise<Int32Array[]> {
  return (await readCalibrationFile(path)).sequences;
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
