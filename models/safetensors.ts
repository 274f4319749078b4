import { type DataFile, openFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import type { HostTensor } from "./model.js";
import { readSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from "./safetensors-header.js";
import { decodeTensor, type FloatTensor, type IntegerTensor, weightValues } from "./tensor-values.js";

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

/** A weight as float32. */
export async function readFloats(file: DataFile, name: string, entry: SafetensorsEntry): Promise<HostTensor> {
  const tensor = await readTensor(file, name, entry);
  const data = weightValues(tensor);
  if (data === undefined) throw unreadable(file, name, entry);
  return { shape: tensor.shape, data };
}

export async function readTensor(
  file: DataFile,
  name: string,
  entry: SafetensorsEntry,
): Promise<FloatTensor | IntegerTensor> {
  const tensor = decodeTensor(entry.dtype, entry.shape, await file.read(entry.offset, entry.bytes));
  if (tensor === undefined) throw unreadable(file, name, entry);
  return tensor;
}

function unreadable(file: DataFile, name: string, { dtype }: SafetensorsEntry): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: `The tensor is stored as ${dtype}, which can't be read here`,
    where: `${file.uri}, tensor ${name}`,
    todo: "Store weights as F32, F16 or BF16 (F64, F8_E4M3, F8_E5M2 and I8 are read too), others as I8 to I64 or U8.",
  });
}
