import { TouchstoneError } from "../study/errors.js";
import { decodeBfloat16, decodeFloat16 } from "../tensor/float16.js";
import { decodeE4m3, decodeE5m2 } from "./float8.js";

/** Types by safetensors' names: bytes an element. Headers may name others, which can't be read. */
export const DTYPE_BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
};

export interface FloatTensor {
  shape: readonly number[];
  dtype: "F64" | "F32" | "F16" | "BF16" | "F8_E4M3" | "F8_E5M2";
  /** F64 is rounded, the others are exact. */
  data: Float32Array;
}

export interface IntegerTensor {
  shape: readonly number[];
  dtype: "I64" | "I32" | "I16" | "I8" | "U8";
  data: BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array;
}

/** Whether weights may be stored so. Integers of other widths are codes, indexes and masks. */
export function isWeightDtype(dtype: string): boolean {
  return ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I8"].includes(dtype);
}

/**
 * A weight's values as float32.
 * @throws TouchstoneError InvalidModel for types that hold none
 */
export function weightValues({ dtype, data }: FloatTensor | IntegerTensor, where: string): Float32Array {
  if (data instanceof Float32Array) return data;
  if (dtype === "I8") return Float32Array.from(data as Int8Array);
  throw unreadable(dtype, where);
}

/**
 * Little-endian bytes, whole elements, as values.
 * @throws TouchstoneError InvalidModel for types that aren't read
 */
export function decodeTensor(
  dtype: string,
  shape: readonly number[],
  bytes: Uint8Array,
  where: string,
): FloatTensor | IntegerTensor {
  // Typed arrays can only look at memory from a multiple of their element's size on.
  const { buffer, byteOffset, length } = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  switch (dtype) {
    case "F64":
      return { dtype, shape, data: new Float32Array(new Float64Array(buffer, byteOffset, length / 8)) };
    case "F32":
      return { dtype, shape, data: new Float32Array(buffer, byteOffset, length / 4) };
    case "F16":
      return { dtype, shape, data: decodeFloat16(new Uint16Array(buffer, byteOffset, length / 2)) };
    case "BF16":
      return { dtype, shape, data: decodeBfloat16(new Uint16Array(buffer, byteOffset, length / 2)) };
    case "F8_E4M3":
      return { dtype, shape, data: decodeE4m3(bytes) };
    case "F8_E5M2":
      return { dtype, shape, data: decodeE5m2(bytes) };
    case "I64":
      return { dtype, shape, data: new BigInt64Array(buffer, byteOffset, length / 8) };
    case "I32":
      return { dtype, shape, data: new Int32Array(buffer, byteOffset, length / 4) };
    case "I16":
      return { dtype, shape, data: new Int16Array(buffer, byteOffset, length / 2) };
    case "I8":
      return { dtype, shape, data: new Int8Array(buffer, byteOffset, length) };
    case "U8":
      return { dtype, shape, data: new Uint8Array(buffer, byteOffset, length) };
    default:
      throw unreadable(dtype, where);
  }
}

function unreadable(dtype: string, where: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what: `The tensor is stored as ${dtype}, which can't be read here`,
    where,
    todo: "Store weights as F32, F16 or BF16 (F64, F8_E4M3, F8_E5M2 and I8 are read too), others as I8 to I64 or U8.",
  });
}
