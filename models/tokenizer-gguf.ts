import { TouchstoneError } from "../study/errors.js";
import type { GgufMetadata } from "./gguf-header.js";
import { GGUF_PRE_TOKENIZERS, preTokenizerComponent } from "./gguf-pre-tokenizers.js";
import type { Component } from "./pre-tokenizers.js";
import { mergesByScore } from "./sentencepiece-merges.js";
import { SETTINGS_FILE, TOKENIZER_FILE, type TokenizerFiles } from "./tokenizer-json.js";

/** `tokenizer.ggml.token_type`: what llama.cpp matches in the text as it stands, before anything else. */
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;

interface Vocabulary {
  tokens: readonly string[];
  types: readonly number[];
}

/** The parts of `tokenizer.json` in which the kinds of tokenizers differ. */
interface Parts {
  normalizer: Component | null;
  pre_tokenizer: Component | null;
  decoder: Component;
  model: object;
  addsBos: boolean;
}

/**
 * A GGUF file's vocabulary as Hugging Face's tokenizer files. Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @param where the file, for errors
 * @throws TouchstoneError InvalidModel where there is no vocabulary, or one of a kind that can't be read
 */
export function ggufTokenizerFiles(metadata: GgufMetadata, where: string): TokenizerFiles {
  const tokens = stringList(metadata, "tokenizer.ggml.tokens", where);
  const types = numberList(metadata, "tokenizer.ggml.token_type") ?? tokens.map(() => 1);
  const vocabulary = { tokens, types };
  const parts = partsOf(metadata, vocabulary, where);
  const { addsBos, ...components } = parts;
  const special = (role: string) => specialToken(metadata, role, tokens, where);
  const flag = (name: string, otherwise: boolean) => metadata.get(`tokenizer.ggml.${name}`) ?? otherwise;
  const bos = special("bos");
  const eos = special("eos");
  const before = flag("add_bos_token", addsBos) === true ? bos : null;
  const after = flag("add_eos_token", false) === true ? eos : null;
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    ...components,
    post_processor: template(before, after, tokens),
  };
  const chatTemplate = metadata.get("tokenizer.chat_template");
  const settings = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: bos,
    eos_token: eos,
    unk_token: special("unknown"),
    pad_token: special("padding"),
    clean_up_tokenization_spaces: false,
    ...(typeof chatTemplate === "string" ? { chat_template: chatTemplate } : {}),
  };
  const encode = (content: object) => new TextEncoder().encode(JSON.stringify(content));
  return new Map([
    [TOKENIZER_FILE, encode(json)],
    [SETTINGS_FILE, encode(settings)],
  ]);
}

function partsOf(metadata: GgufMetadata, vocabulary: Vocabulary, where: string): Parts {
  const kind = metadata.get("tokenizer.ggml.model");
  if (kind === "gpt2") return byteLevelParts(metadata, vocabulary, where);
  if (kind === "llama") return sentencePieceParts(metadata, vocabulary, where);
  throw invalid(`The vocabulary is of the kind ${String(kind)}, which can't be read; gpt2 and llama can`, where);
}

function byteLevelParts(metadata: GgufMetadata, { tokens }: Vocabulary, where: string): Parts {
  const name = metadata.get("tokenizer.ggml.pre") ?? "default";
  const known = typeof name === "string" ? GGUF_PRE_TOKENIZERS[name] : undefined;
  if (known === undefined) {
    const names = Object.keys(GGUF_PRE_TOKENIZERS).join(", ");
    throw invalid(`The pre-tokenizer ${String(name)} is not known; these are: ${names}`, where);
  }
  return {
    normalizer: null,
    pre_tokenizer: preTokenizerComponent(known),
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      ...BPE_DEFAULTS,
      ignore_merges: known.ignoreMerges,
      vocab: idsByToken(tokens),
      merges: stringList(metadata, "tokenizer.ggml.merges", where),
    },
    addsBos: known.addsBos,
  };
}

/** SentencePiece's BPE: the scores say in which order pieces are merged. */
function sentencePieceParts(metadata: GgufMetadata, { tokens, types }: Vocabulary, where: string): Parts {
  const scores = numberList(metadata, "tokenizer.ggml.scores");
  if (scores?.length !== tokens.length) throw invalid("The vocabulary needs tokenizer.ggml.scores, one a token", where);
  const unknown = types.indexOf(UNKNOWN);
  const prefixed = metadata.get("tokenizer.ggml.add_space_prefix") !== false;
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
    addsBos: true,
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

function specialToken(metadata: GgufMetadata, role: string, tokens: readonly string[], where: string): string | null {
  const id = metadata.get(`tokenizer.ggml.${role}_token_id`);
  if (id === undefined) return null;
  const token = typeof id === "number" ? tokens[id] : undefined;
  if (token === undefined) throw invalid(`The ${role} token ${String(id)} is not in the vocabulary`, where);
  return token;
}

function stringList(metadata: GgufMetadata, key: string, where: string): readonly string[] {
  const list = metadata.get(key);
  if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list;
  throw invalid(`The metadata don't have ${key}, or it is no list of texts`, where);
}

function numberList(metadata: GgufMetadata, key: string): readonly number[] | undefined {
  const list = metadata.get(key);
  return Array.isArray(list) && list.every((item) => typeof item === "number") ? list : undefined;
}

function invalid(what: string, where: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what,
    where,
    todo: "Use the model's Hugging Face folder, or convert the model again.",
  });
}
