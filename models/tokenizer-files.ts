import { z } from "zod";
import { TouchstoneError } from "../study/errors.js";
import { parseJson } from "./json.js";
import type { Component } from "./pre-tokenizers.js";
import { mergesByScore } from "./sentencepiece-merges.js";
import { checked, SETTINGS_FILE, TOKENIZER_FILE, type TokenizerFiles } from "./tokenizer-json.js";

export const SENTENCEPIECE_FILE = "tokenizer.model";
/** Older than the key `added_tokens_decoder` of the settings. */
export const ADDED_FILE = "added_tokens.json";

/** Kinds of tokens, as SentencePiece's `ModelProto.SentencePiece.Type` and `tokenizer.ggml.token_type` number them. */
export const NORMAL = 1;
const UNKNOWN = 2;
export const CONTROL = 3;
const USER_DEFINED = 4;

/** Tokens in the order of their ids, and the kind of each. */
export interface Vocabulary {
  tokens: readonly string[];
  types: readonly number[];
}

/** The parts of `tokenizer.json` in which the kinds of tokenizers differ. */
export interface TokenizerParts {
  normalizer: Component | null;
  pre_tokenizer: Component | null;
  decoder: Component;
  model: object;
}

/** Tokens with a role, by their texts; null where there is none. */
export interface SpecialTokens {
  bos: string | null;
  eos: string | null;
  unknown: string | null;
  padding: string | null;
}

/** What is put around each text. */
export interface Around {
  before: string | null;
  after: string | null;
}

/**
 * Hugging Face's tokenizer files of a vocabulary that came in another form.
 * @param more further keys of `tokenizer_config.json`
 */
export function describeTokenizer(
  vocabulary: Vocabulary,
  parts: TokenizerParts,
  { bos, eos, unknown, padding }: SpecialTokens,
  { before, after }: Around,
  more: object = {},
): TokenizerFiles {
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    ...parts,
    post_processor: template(before, after, vocabulary.tokens),
  };
  const settings = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: bos,
    eos_token: eos,
    unk_token: unknown,
    pad_token: padding,
    clean_up_tokenization_spaces: false,
    ...more,
  };
  const encode = (content: object) => new TextEncoder().encode(JSON.stringify(content));
  return new Map([
    [TOKENIZER_FILE, encode(json)],
    [SETTINGS_FILE, encode(settings)],
  ]);
}

const addedSchema = z.object({
  added_tokens_decoder: z
    .record(z.string().regex(/^\d+$/), z.object({ content: z.string(), special: z.boolean().default(false) }))
    .default({}),
});
const addedFileSchema = z.record(z.string(), z.int().nonnegative());

/**
 * The vocabulary with the tokens that a folder's `added_tokens.json` and `tokenizer_config.json` add after its end.
 * @throws TouchstoneError InvalidModel where one of the files is corrupt, or their ids don't follow the vocabulary's
 */
export function withAddedTokens({ tokens, types }: Vocabulary, files: TokenizerFiles, where: string): Vocabulary {
  const read = <T extends z.ZodType>(name: string, schema: T) => {
    const content = files.get(name);
    const at = `${where}, ${name}`;
    return checked(schema, content === undefined ? {} : parseJson(content, at), at);
  };
  const listed = Object.entries(read(ADDED_FILE, addedFileSchema)).map(([content, id]) => ({
    id,
    content,
    special: false,
  }));
  const decoder = Object.entries(read(SETTINGS_FILE, addedSchema).added_tokens_decoder);
  const added = new Map(
    [...listed, ...decoder.map(([id, token]) => ({ id: Number(id), ...token }))].map((token) => [token.id, token]),
  );
  const beyond = [...added.values()].filter(({ id }) => id >= tokens.length).sort((a, b) => a.id - b.id);
  const gap = beyond.findIndex(({ id }, i) => id !== tokens.length + i);
  if (gap !== -1) {
    const { content, id } = beyond[gap];
    const follows = tokens.length + gap;
    throw noTokenizer(
      `The added token ${JSON.stringify(content)} has the id ${id}, where ${follows} would follow`,
      where,
    );
  }
  return {
    tokens: [...tokens, ...beyond.map(({ content }) => content)],
    types: [...types, ...beyond.map(({ special }) => (special ? CONTROL : USER_DEFINED))],
  };
}

/** What is wrong with the files that a folder has in place of `tokenizer.json`. */
export function noTokenizer(what: string, where: string, cause?: unknown): TouchstoneError {
  const todo = "Put the model's tokenizer.json there: transformers' save_pretrained writes one.";
  return new TouchstoneError("InvalidModel", { what, where, todo }, { cause });
}

/** Byte-level BPE (Radford et al. 2019): `merges` first to last, each two tokens with a space between. */
export function byteLevelParts(
  { tokens }: Vocabulary,
  merges: readonly string[],
  preTokenizer: Component,
  { normalizer = null, ignoreMerges = false }: { normalizer?: Component | null; ignoreMerges?: boolean } = {},
): TokenizerParts {
  return {
    normalizer,
    pre_tokenizer: preTokenizer,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { type: "BPE", ...BPE_DEFAULTS, ignore_merges: ignoreMerges, vocab: idsByToken(tokens), merges },
  };
}

/**
 * SentencePiece's BPE (Kudo and Richardson 2018, arXiv 1808.06226): the scores say in which order pieces are merged.
 * @param prefixed a space is put before each text
 */
export function sentencePieceParts(
  { tokens, types }: Vocabulary,
  scores: readonly number[],
  prefixed: boolean,
): TokenizerParts {
  const unknown = types.indexOf(UNKNOWN);
  const space = { type: "Replace", pattern: { String: " " }, content: "\u2581" };
  const strip = { type: "Strip", content: " ", start: 1, stop: 0 };
  return {
    normalizer: {
      type: "Sequence",
      normalizers: prefixed ? [{ type: "Prepend", prepend: "\u2581" }, space] : [space],
    },
    pre_tokenizer: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "\u2581" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefixed ? [strip] : []),
      ],
    },
    model: {
      type: "BPE",
      ...BPE_DEFAULTS,
      unk_token: unknown === -1 ? null : tokens[unknown],
      fuse_unk: true,
      byte_fallback: true,
      vocab: idsByToken(tokens),
      merges: mergesByScore(tokens, scores),
    },
  };
}

const BPE_DEFAULTS = {
  dropout: null,
  unk_token: null as string | null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
};

/** Without a prototype: a token may be called `__proto__`. */
function idsByToken(tokens: readonly string[]): Record<string, number> {
  const ids: Record<string, number> = Object.create(null);
  tokens.forEach((token, id) => {
    ids[token] = id;
  });
  return ids;
}

/** Tokens that are matched in the text as it stands, before anything else. */
function addedTokens({ tokens, types }: Vocabulary): object[] {
  return tokens.flatMap((content, id) => {
    const special = types[id] === CONTROL || types[id] === UNKNOWN;
    if (!special && types[id] !== USER_DEFINED) return [];
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

function template(before: string | null, after: string | null, tokens: readonly string[]): Component | null {
  if (before === null && after === null) return null;
  const special = (token: string | null) => (token === null ? [] : [{ SpecialToken: { id: token, type_id: 0 } }]);
  const around = (id: "A" | "B") => [...special(before), { Sequence: { id, type_id: 0 } }, ...special(after)];
  const entry = (token: string) => [token, { id: token, ids: [tokens.indexOf(token)], tokens: [token] }];
  return {
    type: "TemplateProcessing",
    single: around("A"),
    pair: [...around("A"), ...around("B")],
    special_tokens: Object.fromEntries([before, after].filter((token) => token !== null).map(entry)),
  };
}
