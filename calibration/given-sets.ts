import { checkTokens } from "../models/forward.js";
import type { Model } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { listFiles } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { readSetFile } from "./read-calibration.js";
import { type CalibrationSet, sequenceLength } from "./set.js";

/**
 * The files of sets that are given, in the order of the sets: as they are named, those of a glob or a folder by their names.
 * @throws TouchstoneError InvalidData for a name without files, or a file that is no set by its name
 */
export async function givenSetFiles(sets: readonly string[]): Promise<string[]> {
  const files = (await Promise.all(sets.map(filesOf))).flat();
  const other = files.find((uri) => !/\.(arrow|json)$/i.test(uri));
  if (other === undefined) return files;
  throw new TouchstoneError("InvalidData", {
    what: "By its name this is no calibration set",
    where: other,
    todo: "Name files that end in .arrow (as `touchstone sample` writes them) or in .json (input_ids).",
  });
}

async function filesOf(pattern: string): Promise<string[]> {
  const found = await listFiles(pattern);
  if (found.length > 0) return found;
  throw new TouchstoneError("InvalidData", {
    what: "There is no such calibration set",
    where: pattern,
    todo: "Check the path; it names a file, a folder or a glob, local or s3://.",
  });
}

/**
 * A set of at least `sequences` sequences of `length` tokens.
 * @throws TouchstoneError InvalidData
 */
export async function readGivenSet(
  uri: string,
  { sequences, length }: { sequences: number; length: number },
): Promise<CalibrationSet> {
  const set = await readSetFile(uri);
  const [has, own] = [set.sequences.length, sequenceLength(set)];
  if (own !== length) {
    throw new TouchstoneError("InvalidData", {
      what: `The set's sequences have ${own} tokens, but calibration.length is ${length}`,
      where: uri,
      todo: `Set calibration.length to ${own}, or give sets of that length.`,
    });
  }
  if (has < sequences) {
    throw new TouchstoneError("InvalidData", {
      what: `The set has ${has} sequences, but calibration.sizes asks for ${sequences}`,
      where: uri,
      todo: `Ask for ${has} at most, or give larger sets.`,
    });
  }
  return set;
}

/** @throws TouchstoneError TokenizerMismatch for a set that isn't made of the model's tokens, as far as that can be told */
export function requireTokensOf(model: Model, tokenizer: Tokenizer, set: CalibrationSet, uri: string): void {
  const where = `${uri}, for ${model.path}`;
  const drawnWith = set.provenance?.tokenizer ?? tokenizer.digest;
  if (drawnWith !== tokenizer.digest) {
    throw new TouchstoneError("TokenizerMismatch", {
      what: `The set was drawn with another tokenizer (digest ${drawnWith}) than the model's (${tokenizer.digest})`,
      where,
      todo: "Give a set drawn with the model's own; if the two give the same ids, give those as JSON (input_ids).",
    });
  }
  checkTokens(
    model,
    set.sequences.map(({ tokens }) => tokens),
    where,
  );
}
