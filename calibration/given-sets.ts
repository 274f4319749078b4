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
  requireTokenizer(tokenizer, set, where);
  checkTokens(
    model,
    set.sequences.map(({ tokens }) => tokens),
    where,
  );
}

/** The same of a tokenizer alone. @throws TouchstoneError TokenizerMismatch */
export function requireReadable(tokenizer: Tokenizer, set: CalibrationSet, where: string): void {
  requireTokenizer(tokenizer, set, where);
  // Added tokens have ids from there on. One that isn't in the vocabulary has no text.
  const beyond = addedTokens(tokenizer, [set]);
  const bad = beyond.find((id) => id < 0 || tokenizer.decode([id]) === "");
  if (bad === undefined) return;
  throw new TouchstoneError("TokenizerMismatch", {
    what: `Token id ${bad} is not in the tokenizer's vocabulary of ${tokenizer.vocabSize}`,
    where,
    todo: "Name the tokenizer that the tokens were made with.",
  });
}

/** Ids in sets that aren't of the vocabulary proper, each once. */
export function addedTokens({ vocabSize }: Tokenizer, sets: readonly CalibrationSet[]): number[] {
  const found = new Set<number>();
  for (const { sequences } of sets) {
    for (const { tokens } of sequences) for (const id of tokens) if (id < 0 || id >= vocabSize) found.add(id);
  }
  return Array.from(found);
}

function requireTokenizer({ digest }: Tokenizer, { provenance }: CalibrationSet, where: string): void {
  const drawnWith = provenance?.tokenizer ?? digest;
  if (drawnWith === digest) return;
  throw new TouchstoneError("TokenizerMismatch", {
    what: `The set was drawn with another tokenizer (digest ${drawnWith}) than the model's (${digest})`,
    where,
    todo: "Give a set drawn with the model's own; if the two give the same ids, give those as JSON (input_ids).",
  });
}
