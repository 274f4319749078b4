import { z } from "zod";
import { parseJson } from "./json.js";
import {
  byteLevelParts,
  CONTROL,
  describeTokenizer,
  NORMAL,
  noTokenizer,
  type SpecialTokens,
  withAddedTokens,
} from "./tokenizer-files.js";
import { checked, SETTINGS_FILE, type TokenizerFiles, tokenText } from "./tokenizer-json.js";

export const VOCAB_FILE = "vocab.json";
export const MERGES_FILE = "merges.txt";

/** GPT-2's one special token: each role's, where the settings name no other. */
const END_OF_TEXT = "<|endoftext|>";

const vocabSchema = z.record(z.string(), z.int().nonnegative());
const settingsSchema = z.object({
  tokenizer_class: z.string().nullish(),
  add_prefix_space: z.boolean().nullish(),
  bos_token: tokenText,
  eos_token: tokenText,
  unk_token: tokenText,
  pad_token: tokenText,
});

/**
 * GPT-2's files, `vocab.json` and `merges.txt`, as OPT has them, as Hugging Face's tokenizer files.
 * @param files of the folder: those two, and those that say which tokens are special or added
 * @param where the folder, for errors
 * @throws TouchstoneError InvalidModel where one is missing or corrupt, or the tokenizer is of another class
 */
export function vocabMergesTokenizerFiles(files: TokenizerFiles, where: string): TokenizerFiles {
  const at = (name: string) => `${where}, ${name}`;
  const content = (name: string): Uint8Array => {
    const found = files.get(name);
    if (found === undefined) throw noTokenizer(`The model has no ${name}`, where);
    return found;
  };
  const ids = checked(vocabSchema, parseJson(content(VOCAB_FILE), at(VOCAB_FILE)), at(VOCAB_FILE));
  const given = files.get(SETTINGS_FILE);
  const settings = checked(settingsSchema, given ? parseJson(given, at(SETTINGS_FILE)) : {}, at(SETTINGS_FILE));
  const kind = settings.tokenizer_class?.replace(/Fast$/, "") ?? "GPT2Tokenizer";
  if (kind !== "GPT2Tokenizer") throw noTokenizer(`${VOCAB_FILE} and ${MERGES_FILE} of a ${kind} can't be read`, where);

  const usual = Object.hasOwn(ids, END_OF_TEXT) ? END_OF_TEXT : null;
  const roles: SpecialTokens = {
    bos: settings.bos_token ?? usual,
    eos: settings.eos_token ?? usual,
    unknown: settings.unk_token ?? usual,
    padding: settings.pad_token ?? null,
  };
  const tokens = tokensById(ids, at(VOCAB_FILE));
  const special = new Set(Object.values(roles));
  const types = tokens.map((token) => (special.has(token) ? CONTROL : NORMAL));
  const preTokenizer = {
    type: "ByteLevel",
    add_prefix_space: settings.add_prefix_space ?? false,
    trim_offsets: true,
    use_regex: true,
  };
  const merges = mergesOf(content(MERGES_FILE));
  const vocabulary = { tokens, types };
  const parts = byteLevelParts(vocabulary, merges, preTokenizer);
  return describeTokenizer(withAddedTokens(vocabulary, files, where), parts, roles, { before: null, after: null });
}

function tokensById(ids: Readonly<Record<string, number>>, where: string): string[] {
  const tokens = Object.keys(ids).sort((a, b) => ids[a] - ids[b]);
  if (tokens.some((token, id) => ids[token] !== id)) throw noTokenizer("The ids are not 0, 1, 2 and so on", where);
  return tokens;
}

/** A line a merge, after the line of the version. */
function mergesOf(content: Uint8Array): string[] {
  const lines = new TextDecoder().decode(content).split("\n");
  return lines.filter((line, i) => line.trim() !== "" && !(i === 0 && line.startsWith("#version")));
}
