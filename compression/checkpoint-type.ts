import { TouchstoneError } from "../study/errors.js";
import type { MethodSettings } from "../study/methods.js";
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from "../tensor/float16.js";
import type { CompressedLayer, Layer } from "./method.js";

/** Rounds to the nearest value of a type, half to even. */
const casts: Readonly<Record<string, (weight: Float32Array) => Float32Array>> = {
  F32: (weight) => weight,
  F16: (weight) => decodeFloat16(encodeFloat16(weight)),
  BF16: (weight) => decodeBfloat16(encodeBfloat16(weight)),
};

/** @throws TouchstoneError InvalidSettings where the setting asks for the checkpoint's type, and that is none to cast to */
export function checkWeightDtype({ name, dtype }: Layer, settings: MethodSettings): void {
  if (!asksForCast(settings) || (dtype !== undefined && Object.hasOwn(casts, dtype))) return;
  throw new TouchstoneError("InvalidSettings", {
    what: `weightDtype: checkpoint needs a weight stored as F32, F16 or BF16; this one is ${dtype ?? "of no known type"}`,
    where: name,
    todo: "Leave weightDtype out, or take the model in one of these types.",
  });
}

/**
 * The layer with its weight in the checkpoint's type (as float32 values), where the settings ask for it. What is stored are the kept
 * values themselves, so packed storage stays lossless.
 */
export function castToCheckpoint(
  { dtype = "" }: Layer,
  solved: CompressedLayer,
  settings: MethodSettings,
): CompressedLayer {
  if (!asksForCast(settings)) return solved;
  return { ...solved, weight: casts[dtype](solved.weight) };
}

function asksForCast(settings: MethodSettings): boolean {
  return "weightDtype" in settings && settings.weightDtype === "checkpoint";
}
