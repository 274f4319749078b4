import { openFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { BLOCK_FORMATS } from "./gguf-blocks.js";
import { type GgufEntry, type GgufMetadata, readGgufHeader } from "./gguf-header.js";
import { type GgufMapping, ggufMapping, rotatedHeads } from "./gguf-llama.js";
import type { HostTensor } from "./model.js";
import type { StoredTensor, WeightSource } from "./weights.js";

export interface GgufFile extends WeightSource {
  readonly metadata: GgufMetadata;
  /** What the metadata say, as a Hugging Face `config.json`. */
  readonly huggingFace: Readonly<Record<string, unknown>>;
  /** Changes when the file does. */
  readonly version: string;
}

/**
 * A GGUF file (v2, v3; local or `s3://`) under Hugging Face names: weights are dequantized to float32, and the q and k rows
 * stand in Hugging Face's order.
 * @throws TouchstoneError InvalidModel for an empty, truncated or corrupt file, UnsupportedArchitecture
 */
export async function openGguf(uri: string): Promise<GgufFile> {
  const file = await openFile(uri);
  try {
    const { metadata, tensors: entries } = await readGgufHeader(file);
    const stored = new Map<string, { entry: GgufEntry; name: string }>();
    const tensors = new Map<string, StoredTensor>();
    const decode = async (name: string, entry: GgufEntry): Promise<HostTensor> => {
      const format = BLOCK_FORMATS.get(entry.type);
      if (format === undefined) throw unreadable(`${uri}, tensor ${name}`, entry.type);
      return { shape: entry.shape, data: format.decode(await file.read(entry.offset, entry.bytes)) };
    };
    const readByOwnName = async (name: string) => {
      const entry = entries.get(name);
      return entry && decode(name, entry);
    };
    const mapping: GgufMapping = await ggufMapping(metadata, entries, readByOwnName, uri);
    for (const [name, entry] of entries) {
      const renamed = mapping.rename(name);
      if (renamed === undefined) continue;
      const format = BLOCK_FORMATS.get(entry.type);
      const dtype = format?.name ?? `ggml type ${entry.type}`;
      // A factor for the whole weight, which llama.cpp keeps with NVFP4 and BitNet: the weight alone isn't what it stands for.
      const scaled = name.endsWith(".weight") && entries.has(name.replace(/weight$/, "scale"));
      stored.set(renamed, { entry, name });
      tensors.set(renamed, {
        shape: entry.shape,
        dtype: scaled ? `${dtype} with a scale beside it` : dtype,
        readable: format !== undefined && !scaled,
      });
    }
    return {
      where: uri,
      metadata,
      huggingFace: mapping.huggingFace,
      version: file.version,
      tensors,
      read: async (renamed) => {
        const found = stored.get(renamed);
        if (found === undefined) throw new RangeError(`${uri} has no tensor ${renamed}`);
        const tensor = await decode(found.name, found.entry);
        const heads = mapping.heads(renamed);
        return heads === undefined ? tensor : { shape: tensor.shape, data: rotatedHeads(tensor, heads) };
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function unreadable(where: string, type: number): TouchstoneError {
  const names = Array.from(BLOCK_FORMATS.values(), ({ name }) => name).join(", ");
  return new TouchstoneError("InvalidModel", {
    what: `The tensor is stored as ggml type ${type}, which can't be read here`,
    where,
    todo: `Take a file with ${names}.`,
  });
}
