import { openFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { BLOCK_FORMATS } from "./gguf-blocks.js";
import { ggufKeys } from "./gguf-families/family.js";
import { ggufFamilyOf } from "./gguf-families/registry.js";
import { type GgufEntry, type GgufMetadata, readGgufHeader } from "./gguf-header.js";
import type { HostTensor } from "./model.js";
import type { StoredTensor, WeightSource } from "./weights.js";

export interface GgufFile extends WeightSource {
  readonly metadata: GgufMetadata;
  /** What the metadata say, as a Hugging Face `config.json`. */
  readonly huggingFace: Readonly<Record<string, unknown>>;
  /** Changes when the file does. */
  readonly version: string;
}

/** A tensor of the file, or one of the equal parts along its first dimension that have names of their own. */
interface Place {
  name: string;
  entry: GgufEntry;
  part: number;
  parts: number;
}

/**
 * A GGUF file (v2, v3; local or `s3://`) under Hugging Face names: weights are dequantized to float32, and stand in Hugging Face's
 * order.
 * @throws TouchstoneError InvalidModel for an empty, truncated or corrupt file, UnsupportedArchitecture
 */
export async function openGguf(uri: string): Promise<GgufFile> {
  const file = await openFile(uri);
  try {
    const { metadata, tensors: entries } = await readGgufHeader(file);
    const stored = new Map<string, Place>();
    const tensors = new Map<string, StoredTensor>();
    const decode = async ({ name, entry, part, parts }: Place): Promise<HostTensor> => {
      const format = BLOCK_FORMATS.get(entry.type);
      if (format === undefined) throw unreadable(`${uri}, tensor ${name}`, entry.type);
      const bytes = entry.bytes / parts;
      return {
        shape: partShape(entry, parts),
        data: format.decode(await file.read(entry.offset + part * bytes, bytes)),
      };
    };
    const readByOwnName = async (name: string) => {
      const entry = entries.get(name);
      return entry && decode({ name, entry, part: 0, parts: 1 });
    };
    const family = ggufFamilyOf(metadata.get("general.architecture"), uri);
    const mapping = await family.mapping(ggufKeys(metadata, entries, readByOwnName, uri));
    for (const [name, entry] of entries) {
      const names = mapping.names(name);
      if (names.length > 1 && entry.shape[0] !== names.length) throw otherParts(`${uri}, tensor ${name}`, entry, names);
      const format = BLOCK_FORMATS.get(entry.type);
      const dtype = format?.name ?? `ggml type ${entry.type}`;
      // A factor for the whole weight, which llama.cpp keeps with NVFP4 and BitNet: the weight alone isn't what it stands for.
      const scaled = name.endsWith(".weight") && entries.has(name.replace(/weight$/, "scale"));
      for (const [part, renamed] of names.entries()) {
        stored.set(renamed, { name, entry, part, parts: names.length });
        tensors.set(renamed, {
          shape: partShape(entry, names.length),
          dtype: scaled ? `${dtype} with a scale beside it` : dtype,
          readable: format !== undefined && !scaled,
        });
      }
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
        const tensor = await decode(found);
        return { shape: tensor.shape, data: mapping.restored(renamed, tensor) };
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function partShape({ shape }: GgufEntry, parts: number): readonly number[] {
  return parts === 1 ? shape : shape.slice(1);
}

function otherParts(where: string, { shape }: GgufEntry, names: readonly string[]): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: `The tensor [${shape.join(", ")}] doesn't hold ${names.length} experts`,
    where,
    todo: "Fetch the file again, or convert the model again.",
  });
}

function unreadable(where: string, type: number): TouchstoneError {
  const names = Array.from(BLOCK_FORMATS.values(), ({ name }) => name).join(", ");
  return new TouchstoneError("InvalidModel", {
    what: `The tensor is stored as ggml type ${type}, which can't be read here`,
    where,
    todo: `Take a file with ${names}.`,
  });
}
