import { type DataFile, openFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { decodeBfloat16, decodeFloat16 } from "./float16.js";
import type { HostTensor } from "./model.js";
import { readSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from "./safetensors-header.js";

export interface FloatTensor {
  shape: readonly number[];
  dtype: "F32" | "F16" | "BF16";
  /** F16 and BF16 are decoded. */
  data: Float32Array;
}

export interface IntegerTensor {
  shape: readonly number[];
  dtype: "I32" | "I64" | "U8";
  data: Int32Array | BigInt64Array | Uint8Array;
}

export interface Safetensors {
  tensors: ReadonlyMap<string, FloatTensor | IntegerTensor>;
  metadata: ReadonlyMap<string, string>;
}

/** An open file, of which tensors are read one by one. */
export interface SafetensorsFile extends SafetensorsHeader {
  readonly file: DataFile;
}

/** @throws TouchstoneError InvalidData where there is no such file, InvalidModel for an empty, truncated or corrupt one */
export async function openSafetensors(uri: string): Promise<SafetensorsFile> {
  const file = await openFile(uri);
  try {
    return { file, ...(await readSafetensorsHeader(file)) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * All tensors of a file, local or `s3://`, with the metadata.
 * @throws TouchstoneError as `openSafetensors`, and InvalidModel for a type that can't be read
 */
export async function readSafetensors(uri: string): Promise<Safetensors> {
  const { file, tensors, metadata } = await openSafetensors(uri);
  try {
    const read = async ([name, entry]: [string, SafetensorsEntry]): Promise<[string, FloatTensor | IntegerTensor]> => {
      return [name, await readTensor(file, name, entry)];
    };
    return { tensors: new Map(await Promise.all(Array.from(tensors, read))), metadata };
  } finally {
    await file.close();
  }
}

export function isFloat(dtype: string): dtype is FloatTensor["dtype"] {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16";
}

/** A weight as float32. */
export async function readFloats(file: DataFile, name: string, entry: SafetensorsEntry): Promise<HostTensor> {
  const tensor = await readTensor(file, name, entry);
  if (!(tensor.data instanceof Float32Array)) throw unreadable(file, name, entry);
  return { shape: tensor.shape, data: tensor.data };
}

export async function readTensor(
  file: DataFile,
  name: string,
  entry: SafetensorsEntry,
): Promise<FloatTensor | IntegerTensor> {
  const { dtype, shape, offset, bytes } = entry;
  const content = aligned(await file.read(offset, bytes));
  switch (dtype) {
    case "F32":
      return { dtype, shape, data: new Float32Array(content.buffer, content.byteOffset, bytes / 4) };
    case "F16":
      return { dtype, shape, data: decodeFloat16(new Uint16Array(content.buffer, content.byteOffset, bytes / 2)) };
    case "BF16":
      return { dtype, shape, data: decodeBfloat16(new Uint16Array(content.buffer, content.byteOffset, bytes / 2)) };
    case "I32":
      return { dtype, shape, data: new Int32Array(content.buffer, content.byteOffset, bytes / 4) };
    case "I64":
      return { dtype, shape, data: new BigInt64Array(content.buffer, content.byteOffset, bytes / 8) };
    case "U8":
      return { dtype, shape, data: content };
    default:
      throw unreadable(file, name, entry);
  }
}

/** Typed arrays can only look at memory from a multiple of their element's size on. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
}

function unreadable(file: DataFile, name: string, { dtype }: SafetensorsEntry): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: `The tensor is stored as ${dtype}, which can't be read here`,
    where: `${file.uri}, tensor ${name}`,
    todo: "Store it as F32, F16 or BF16 (weights), I32, I64 or U8 (others).",
  });
}
