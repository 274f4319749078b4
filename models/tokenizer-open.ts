import { openGguf } from "./gguf.js";
import type { Tokenizer } from "./tokenizer.js";
import { loadFolderTokenizer, loadGgufTokenizer } from "./tokenizer-load.js";

/** The tokenizer of a Hugging Face folder or a .gguf file, without its weights, which needn't be there. @throws TouchstoneError InvalidModel */
export async function openTokenizer(path: string): Promise<Tokenizer> {
  if (!path.endsWith(".gguf")) return loadFolderTokenizer(path);
  const file = await openGguf(path);
  try {
    return await loadGgufTokenizer(file.metadata, path);
  } finally {
    await file.close();
  }
}
