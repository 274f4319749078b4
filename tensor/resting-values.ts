import type { ActivationDtype } from "../study/activation-dtype.js";
import { TouchstoneError } from "../study/errors.js";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "./float16.js";

/** Values in the type in which they rest: numbers, or the bits of 16-bit ones. */
export type RestingValues = Float32Array | Uint16Array;

/**
 * Rounds half to even; float32 stays as it is.
 * @throws TouchstoneError NumericalError where float16 can't hold a finite value
 */
export function toResting(values: Float32Array, dtype: ActivationDtype): RestingValues {
  if (dtype === "float32") return values;
  if (dtype === "bfloat16") return encodeBfloat16(values);
  const bits = encodeFloat16(values);
  const lost = bits.findIndex((each, i) => (each & 0x7fff) === INFINITE && Number.isFinite(values[i]));
  if (lost === -1) return bits;
  throw new TouchstoneError("NumericalError", {
    what: `A hidden state of ${values[lost].toPrecision(4)} is more than float16 can hold`,
    todo: "Set calibration.activationDtype to bfloat16, or leave it out.",
  });
}

const INFINITE = 0x7c00;

export function fromResting(values: RestingValues, dtype: ActivationDtype): Float32Array {
  if (values instanceof Float32Array) return values;
  return dtype === "bfloat16" ? decodeBfloat16(values) : decodeFloat16(values);
}
