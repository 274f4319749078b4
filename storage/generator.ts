import { createHash } from "node:crypto";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** A generator of random numbers whose state is the beginning of the text's SHA-256: other texts have unrelated numbers. */
export function generatorOf(text: string): RandomGenerator {
  const hash = createHash("sha256").update(text).digest();
  return xoroshiro128plusFromState([0, 4, 8, 12].map((offset) => hash.readInt32LE(offset)));
}
