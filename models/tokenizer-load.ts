import { fileExists, joinUri, readFile } from "../storage/files.js";
import type { GgufMetadata } from "./gguf-header.js";
import type { Tokenizer } from "./tokenizer.js";
import { ggufTokenizerFiles } from "./tokenizer-gguf.js";
import { SETTINGS_FILE, TOKENIZER_FILE, type TokenizerFiles, tokenizerFromFiles } from "./tokenizer-json.js";

/**
 * The tokenizer of a Hugging Face folder, local or `s3://`.
 * @throws TouchstoneError InvalidModel where `tokenizer.json` is missing or corrupt
 */
export async function loadFolderTokenizer(folder: string): Promise<Tokenizer> {
  return tokenizerFromFiles(await readTokenizerFiles(folder), folder);
}

/**
 * The tokenizer that a GGUF file's own vocabulary makes: byte-level BPE (`gpt2`) or SentencePiece BPE (`llama`).
 * @param where the file, for errors
 * @throws TouchstoneError InvalidModel where it has none, or one of another kind
 */
export async function loadGgufTokenizer(metadata: GgufMetadata, where: string): Promise<Tokenizer> {
  return tokenizerFromFiles(ggufTokenizerFiles(metadata, where), where);
}

/** The tokenizer files that a Hugging Face folder has, as they are. */
export async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const files = new Map<string, Uint8Array>();
  for (const name of [TOKENIZER_FILE, SETTINGS_FILE]) {
    const uri = joinUri(folder, name);
    if (await fileExists(uri)) files.set(name, await readFile(uri));
  }
  return files;
}
