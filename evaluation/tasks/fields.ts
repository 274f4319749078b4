import { z } from "zod";

/** A whole number from `least` to `most`, also as text or a big integer: files of the hub have all three. */
export function wholeNumber(least: number, most: number) {
  const plain = (value: unknown) => {
    if (typeof value === "bigint") return Number(value);
    return typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  };
  return z.preprocess(plain, z.int().min(least).max(most));
}
