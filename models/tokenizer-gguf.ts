import { TouchstoneError } from "../study/errors.js";
import type { GgufMetadata } from "./gguf-header.js";
import { GGUF_PRE_TOKENIZERS, preTokenizerComponent } from "./gguf-pre-tokenizers.js";
import {
  byteLevelParts,
  describeTokenizer,
  sentencePieceParts,
  type TokenizerParts,
  type Vocabulary,
} from "./tokenizer-files.js";
import type { TokenizerFiles } from "./tokenizer-json.js";

/**
 * A GGUF file's vocabulary as Hugging Face's tokenizer files. Keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @param where the file, for errors
 * @throws TouchstoneError InvalidModel where there is no vocabulary, or one of a kind that can't be read
 */
export function ggufTokenizerFiles(metadata: GgufMetadata, where: string): TokenizerFiles {
  const tokens = stringList(metadata, "tokenizer.ggml.tokens", where);
  const types = numberList(metadata, "tokenizer.ggml.token_type") ?? tokens.map(() => 1);
  const vocabulary = { tokens, types };
  const { addsBos, parts } = partsOf(metadata, vocabulary, where);
  const special = (role: string) => specialToken(metadata, role, tokens, where);
  const flag = (name: string, otherwise: boolean) => metadata.get(`tokenizer.ggml.${name}`) ?? otherwise;
  const bos = special("bos");
  const eos = special("eos");
  const around = {
    before: flag("add_bos_token", addsBos) === true ? bos : null,
    after: flag("add_eos_token", false) === true ? eos : null,
  };
  const chatTemplate = metadata.get("tokenizer.chat_template");
  const roles = { bos, eos, unknown: special("unknown"), padding: special("padding") };
  const more = typeof chatTemplate === "string" ? { chat_template: chatTemplate } : {};
  return describeTokenizer(vocabulary, parts, roles, around, more);
}

/** @returns the parts, and whether BOS is put first where the metadata don't say */
function partsOf(
  metadata: GgufMetadata,
  vocabulary: Vocabulary,
  where: string,
): { parts: TokenizerParts; addsBos: boolean } {
  const kind = metadata.get("tokenizer.ggml.model");
  if (kind === "gpt2") return byteLevel(metadata, vocabulary, where);
  if (kind === "llama") return sentencePiece(metadata, vocabulary, where);
  throw invalid(`The vocabulary is of the kind ${String(kind)}, which can't be read; gpt2 and llama can`, where);
}

function byteLevel(metadata: GgufMetadata, vocabulary: Vocabulary, where: string) {
  const name = metadata.get("tokenizer.ggml.pre") ?? "default";
  const known = typeof name === "string" ? GGUF_PRE_TOKENIZERS[name] : undefined;
  if (known === undefined) {
    const names = Object.keys(GGUF_PRE_TOKENIZERS).join(", ");
    throw invalid(`The pre-tokenizer ${String(name)} is not known; these are: ${names}`, where);
  }
  const { ignoreMerges, addsBos } = known;
  const merges = stringList(metadata, "tokenizer.ggml.merges", where);
  return { parts: byteLevelParts(vocabulary, merges, preTokenizerComponent(known), { ignoreMerges }), addsBos };
}

function sentencePiece(metadata: GgufMetadata, vocabulary: Vocabulary, where: string) {
  const scores = numberList(metadata, "tokenizer.ggml.scores");
  if (scores?.length !== vocabulary.tokens.length)
    throw invalid("The vocabulary needs tokenizer.ggml.scores, one a token", where);
  const prefixed = metadata.get("tokenizer.ggml.add_space_prefix") !== false;
  return { parts: sentencePieceParts(vocabulary, scores, prefixed), addsBos: true };
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
