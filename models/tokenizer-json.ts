import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { identity, sha256 } from "../storage/identity.js";
import { TouchstoneError } from "../study/errors.js";
import { parseJson } from "./json.js";
import { byteCharacters, type Component, exactPreTokenizer, exactStrip, isolate, sequence } from "./pre-tokenizers.js";
import { type Normalize, precompiledNormalizer } from "./precompiled-charsmap.js";
import type { Tokenizer } from "./tokenizer.js";

export const TOKENIZER_FILE = "tokenizer.json";
export const SETTINGS_FILE = "tokenizer_config.json";

/** Contents of a Hugging Face folder's tokenizer files, by name. */
export type TokenizerFiles = ReadonlyMap<string, Uint8Array>;

/** What is used of the library, whose own types don't resolve under Node's rules. */
interface Library {
  normalizer: Normalize | null;
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
}

const id = z.int().nonnegative();
const part = z.looseObject({ type: z.string() });
const component = part.nullable().default(null);
const normalizer = part
  .extend({ normalizers: z.array(part).optional() })
  .nullable()
  .default(null);

/** What is looked at here; the library reads the rest. */
const tokenizerSchema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id, content: z.string() })).default([]),
  normalizer,
  pre_tokenizer: component,
  post_processor: component,
  decoder: component,
  model: z.looseObject({
    type: z.string().optional(),
    unk_token: z.string().nullish(),
    /** Ids by token; in Unigram models the tokens with their scores, in the order of the ids. */
    vocab: z.union([z.record(z.string(), id), z.array(z.tuple([z.string(), z.number()]))]),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).default([]),
  }),
});
const patternSchema = z.union([z.looseObject({ String: z.string() }), z.looseObject({ Regex: z.string() })]);
type TokenizerJson = z.output<typeof tokenizerSchema>;

/** A token in `tokenizer_config.json`: its text, or an object with it. */
export const tokenText = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullish();

const settingsSchema = z.object({
  bos_token: tokenText,
  eos_token: tokenText,
  /** Where it is given, it decides, whatever the template of `tokenizer.json` says. */
  add_bos_token: z.boolean().nullish(),
});

/**
 * The tokenizer that `tokenizer.json` and `tokenizer_config.json` describe.
 * @param where the model, for errors
 * @throws TouchstoneError InvalidModel where `tokenizer.json` is missing, or one of them is corrupt
 */
export function tokenizerFromFiles(files: TokenizerFiles, where: string): Tokenizer {
  const content = files.get(TOKENIZER_FILE);
  if (content === undefined) throw broken(`The model has no ${TOKENIZER_FILE}`, where);
  const at = `${where}, ${TOKENIZER_FILE}`;
  const settingsAt = `${where}, ${SETTINGS_FILE}`;
  const json = checked(tokenizerSchema, parseJson(content, at), at);
  const settingsContent = files.get(SETTINGS_FILE);
  const settings = checked(settingsSchema, settingsContent ? parseJson(settingsContent, settingsAt) : {}, settingsAt);
  const ids = idsOf(json);
  checkMerges(json, ids, at);

  const specialId = (name: string | null | undefined): number | null => {
    if (name === null || name === undefined) return null;
    const found = ids.get(name);
    if (found === undefined) throw broken(`The token ${JSON.stringify(name)} is not in the vocabulary`, settingsAt);
    return found;
  };
  const bosTokenId = specialId(settings.bos_token);
  const eosTokenId = specialId(settings.eos_token);
  const library = createLibraryTokenizer(json, at);
  const { prefix, suffix } = templateOf(library, bosTokenId, settings.add_bos_token ?? null, at);

  return {
    digest: identity({ tokenizer: sha256(content), bosTokenId, eosTokenId, prefix, suffix }),
    vocabSize: Array.isArray(json.model.vocab) ? json.model.vocab.length : Object.keys(json.model.vocab).length,
    bosTokenId,
    eosTokenId,
    addsBos: bosTokenId !== null && prefix[0] === bosTokenId,
    encode: (text, { specialTokens = true } = {}) => {
      const { ids } = library.encode(text, { add_special_tokens: false });
      return Int32Array.from(specialTokens ? [...prefix, ...ids, ...suffix] : ids);
    },
    decode: (ids) => (ids.length === 0 ? "" : library.decode(Array.from(ids), { clean_up_tokenization_spaces: false })),
  };
}

/** @throws TouchstoneError InvalidModel that names the first key that is wrong */
export function checked<T extends z.ZodType>(schema: T, json: unknown, where: string): z.output<T> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw broken(`Key ${path.join(".")} is not as it must be: ${message}`, where);
}

function idsOf({ model, added_tokens }: TokenizerJson): ReadonlyMap<string, number> {
  const vocabulary = Array.isArray(model.vocab)
    ? model.vocab.map(([name], id): [string, number] => [name, id])
    : Object.entries(model.vocab);
  if (vocabulary.length === 0 && added_tokens.length === 0) return new Map();
  return new Map([...vocabulary, ...added_tokens.map(({ content, id }): [string, number] => [content, id])]);
}

/** The library takes merges of unknown tokens in silence, and would then give other ids than the reference. */
function checkMerges({ model }: TokenizerJson, ids: ReadonlyMap<string, number>, where: string): void {
  if (ids.size === 0) throw broken("The vocabulary is empty", where);
  for (const merge of model.merges) {
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    const whole = parts.join("");
    if (parts.length !== 2 || !ids.has(parts[0]) || !ids.has(parts[1]) || !ids.has(whole)) {
      throw broken(`The merge ${JSON.stringify(merge)} is not of tokens of the vocabulary`, where);
    }
  }
}

/** Some of what is wrong in a description the library finds when it is made, the rest when it is used. */
function createLibraryTokenizer(json: TokenizerJson, where: string): Library {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw broken(`The tokenizer can't be read: ${reason}`, where, cause);
    }
  };
  const { replace, normalizer } = withoutCharsmap(json.normalizer, where);
  const library = attempt((): Library => {
    for (const part of [normalizer, json.pre_tokenizer, json.decoder]) checkPatterns(part);
    const pre_tokenizer = dropUnknownBytes(json, cutWords(json, exactPreTokenizer(json.pre_tokenizer)));
    return new LibraryTokenizer({ ...json, normalizer, pre_tokenizer }, {});
  });
  if (replace !== undefined) {
    const rest = library.normalizer ?? ((text: string) => text);
    library.normalizer = (text) => rest(replace(text));
  }
  return {
    normalizer: library.normalizer,
    encode: (text, options) => attempt(() => library.encode(text, options)),
    decode: (ids, options) => attempt(() => library.decode(ids, options)),
  };
}

/** The library takes a pattern of neither kind for one that is nowhere, where the reference refuses it. */
function checkPatterns(part: unknown): void {
  if (typeof part !== "object" || part === null) return;
  const { type, pattern } = part as { type?: unknown; pattern?: unknown };
  if ((type === "Replace" || type === "Split") && !patternSchema.safeParse(pattern).success)
    throw new Error(`the pattern ${JSON.stringify(pattern)} of ${type} has neither String nor Regex`);
  for (const each of Object.values(part)) checkPatterns(each);
}

/** A normalizer's table of replacements, which the library doesn't follow, and what comes after it. */
function withoutCharsmap(
  normalizer: TokenizerJson["normalizer"],
  where: string,
): { replace?: Normalize; normalizer: Component | null } {
  if (normalizer === null) return { normalizer };
  const [first, ...rest] = normalizer.type === "Sequence" ? (normalizer.normalizers ?? []) : [normalizer];
  if (rest.some(({ type }) => type === "Precompiled"))
    throw broken("A normalizer Precompiled that is not the first is not supported", where);
  if (first?.type !== "Precompiled") return { normalizer };
  const table = String(first.precompiled_charsmap ?? "");
  return {
    replace: table === "" ? undefined : precompiledNormalizer(table, where),
    normalizer: { type: "Sequence", normalizers: rest.flatMap(exactStrip) },
  };
}

/**
 * SentencePiece merges whole texts at once. Where no token goes on with a space after another character, no merge does, and
 * the text can be cut there: the ids stay the same, and words that come again are looked up.
 */
function cutWords({ model }: TokenizerJson, preTokenizer: Component | null): Component | null {
  const merged = preTokenizer === null || (preTokenizer.type === "Metaspace" && preTokenizer.split === false);
  if (!merged || model.type !== "BPE" || Array.isArray(model.vocab)) return preTokenizer;
  if (Object.keys(model.vocab).some((name) => /[^\u2581]\u2581/.test(name))) return preTokenizer;
  const words = isolate("(?<=[^\u2581])(?=\u2581)");
  return preTokenizer === null ? words : sequence(preTokenizer, words);
}

/**
 * The reference leaves out bytes that a byte-level vocabulary lacks before it merges, so that what was beside them may merge; the
 * library does so after.
 */
function dropUnknownBytes({ model }: TokenizerJson, preTokenizer: Component | null): Component | null {
  if (preTokenizer === null || !writesBytes(preTokenizer) || model.unk_token != null || Array.isArray(model.vocab))
    return preTokenizer;
  const { vocab } = model;
  const unknown = byteCharacters().filter((character) => !Object.hasOwn(vocab, character));
  if (unknown.length === 0) return preTokenizer;
  return sequence(preTokenizer, {
    type: "Replace",
    pattern: { Regex: `[${unknown.map(escaped).join("")}]` },
    content: "",
  });
}

function writesBytes({ type, pretokenizers }: Component): boolean {
  return type === "ByteLevel" || (Array.isArray(pretokenizers) && pretokenizers.some(writesBytes));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Ids that the tokenizer's template puts before and after each text. */
function templateOf(
  library: Library,
  bosTokenId: number | null,
  addBos: boolean | null,
  where: string,
): { prefix: readonly number[]; suffix: readonly number[] } {
  const plain = library.encode("a", { add_special_tokens: false }).ids;
  const whole = library.encode("a", { add_special_tokens: true }).ids;
  const start = whole.findIndex((_, i) => plain.every((id, j) => whole[i + j] === id));
  if (start === -1 || whole.some((id) => !Number.isInteger(id))) {
    throw broken("The template of special tokens can't be read", where);
  }
  const prefix = whole.slice(0, start);
  const suffix = whole.slice(start + plain.length);
  if (addBos === null || bosTokenId === null) return { prefix, suffix };
  const others = prefix.filter((id) => id !== bosTokenId);
  return { prefix: addBos ? [bosTokenId, ...others] : others, suffix };
}

function broken(what: string, where: string, cause?: unknown): TouchstoneError {
  const todo = "Fetch the model's tokenizer files again, or take them from the model that it was made from.";
  return new TouchstoneError("InvalidModel", { what, where, todo }, { cause });
}
