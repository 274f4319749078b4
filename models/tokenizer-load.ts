import { fileExists, joinUri, openFile, readFile } from "../storage/files.js";
import { type GgufMetadata, readGgufHeader } from "./gguf-header.js";
import type { Tokenizer } from "./tokenizer.js";
import { ADDED_FILE, SENTENCEPIECE_FILE } from "./tokenizer-files.js";
import { ggufTokenizerFiles } from "./tokenizer-gguf.js";
import { SETTINGS_FILE, TOKENIZER_FILE, type TokenizerFiles, tokenizerFromFiles } from "./tokenizer-json.js";
import { MERGES_FILE, VOCAB_FILE, vocabMergesTokenizerFiles } from "./tokenizer-vocab-merges.js";

/** Read by transformers, and by older tools, beside the two that the ids follow from. */
const OTHER_FILES = ["special_tokens_map.json", ADDED_FILE, "chat_template.jinja", SENTENCEPIECE_FILE];

/**
 * The tokenizer of a Hugging Face folder, local or `s3://`: of its `tokenizer.json`, else of `tokenizer.model` (SentencePiece),
 * else of `vocab.json` and `merges.txt` (GPT-2).
 * @throws TouchstoneError InvalidModel where it has none of these, or they are corrupt
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

/**
 * The tokenizer files for a model's copy: those that its folder has, or those made from its GGUF vocabulary. A model without a
 * tokenizer has none.
 */
export async function tokenizerFilesOf(path: string): Promise<TokenizerFiles> {
  if (!path.endsWith(".gguf")) return readTokenizerFiles(path);
  const file = await openFile(path);
  try {
    const { metadata } = await readGgufHeader(file);
    return metadata.has("tokenizer.ggml.tokens") ? ggufTokenizerFiles(metadata, path) : new Map();
  } finally {
    await file.close();
  }
}

async function readTokenizerFiles(folder: string): Promise<TokenizerFiles> {
  const files = await readFiles(folder, [TOKENIZER_FILE, SETTINGS_FILE, ...OTHER_FILES]);
  if (files.has(TOKENIZER_FILE)) return files;
  // What the folder's settings say goes before what follows from its older files.
  if (files.has(SENTENCEPIECE_FILE)) {
    // Its library takes a tenth of a second to load, and few models need it.
    const { sentencePieceTokenizerFiles } = await import("./tokenizer-sentencepiece.js");
    return new Map([...sentencePieceTokenizerFiles(files, folder), ...files]);
  }
  const older = await readFiles(folder, [VOCAB_FILE, MERGES_FILE]);
  if (older.size === 0) return files;
  const all = new Map([...files, ...older]);
  return new Map([...vocabMergesTokenizerFiles(all, folder), ...all]);
}

async function readFiles(folder: string, names: readonly string[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const uri = joinUri(folder, name);
    if (await fileExists(uri)) files.set(name, await readFile(uri));
  }
  return files;
}
