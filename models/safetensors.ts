import { type DataFile, openFile } from "../storage/files.js";
import { readSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from "./safetensors-header.js";
import { decodeTensor, type FloatTensor, type IntegerTensor } from "./tensor-values.js";

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

export async function readTensor(
  file: DataFile,
  name: string,
  { dtype, shape, offset, bytes }: SafetensorsEntry,
): Promise<FloatTensor | IntegerTensor> {
  return decodeTensor(dtype, shape, await file.read(offset, bytes), `${file.uri}, tensor ${name}`);
}
