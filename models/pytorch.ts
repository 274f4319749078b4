import { type DataFile, openFile } from "../storage/files.js";
import { type PytorchEntry, readPytorchHeader } from "./pytorch-header.js";
import { DTYPE_BYTES, decodeTensor, type FloatTensor, type IntegerTensor } from "./tensor-values.js";
import { entryStart } from "./zip-directory.js";

/** An open file of `torch.save`, of which tensors are read one by one. */
export interface PytorchFile {
  readonly file: DataFile;
  readonly tensors: ReadonlyMap<string, PytorchEntry>;
}

/** @throws TouchstoneError InvalidData where there is no such file, InvalidModel as `readPytorchHeader` */
export async function openPytorch(uri: string): Promise<PytorchFile> {
  const file = await openFile(uri);
  try {
    return { file, tensors: await readPytorchHeader(file) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Reads the part of the storage that the tensor looks at.
 * @throws TouchstoneError InvalidModel for a type that can't be read, or where the file is corrupt
 */
export async function readPytorchTensor(
  file: DataFile,
  name: string,
  { dtype, shape, strides, start, extent, storage }: PytorchEntry,
): Promise<FloatTensor | IntegerTensor> {
  const width = DTYPE_BYTES[dtype];
  const part = await file.read((await entryStart(file, storage)) + start * width, extent * width);
  const bytes = isContiguous(shape, strides) ? part : gathered(part, shape, strides, width);
  return decodeTensor(dtype, shape, bytes, `${file.uri}, tensor ${name}`);
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** The elements, of `width` bytes, in the order of the shape: of transposed weights and other views. */
function gathered(part: Uint8Array, shape: readonly number[], strides: readonly number[], width: number): Uint8Array {
  const elements = shape.reduce((product, size) => product * size, 1);
  const bytes = new Uint8Array(elements * width);
  const place = shape.map(() => 0);
  for (let out = 0, from = 0; out < bytes.length; out += width) {
    for (let i = 0; i < width; i++) bytes[out + i] = part[from * width + i];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++place[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      place[axis] = 0;
    }
  }
  return bytes;
}
