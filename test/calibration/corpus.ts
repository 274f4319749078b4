import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SampleRequest, sampleSets } from "../../calibration/sample.js";
import type { CalibrationSet, SampledSet, SamplingSettings } from "../../calibration/set.js";
import type { Tokenizer } from "../../models/tokenizer.js";
import { sourceSchema } from "../../study/source.js";

export const BOS = 1_000_001;
export const EOS = 1_000_002;

/** A token a word, so that windows can be read: the word `w17` is the token 17. */
export function wordTokenizer(
  options: Partial<Pick<Tokenizer, "addsBos" | "bosTokenId" | "eosTokenId">> = {},
): Tokenizer {
  const { addsBos = false, bosTokenId = BOS, eosTokenId = EOS } = options;
  return {
    digest: "words",
    vocabSize: EOS + 1,
    bosTokenId,
    eosTokenId,
    addsBos,
    encode: (text, { specialTokens = true } = {}) => {
      const ids = text.split(" ").map((word) => Number(word.slice(1)));
      return Int32Array.from(addsBos && specialTokens ? [BOS, ...ids] : ids);
    },
    decode: (ids) => Array.from(ids, (id) => `w${id}`).join(" "),
  };
}

/** Document d of `lengths[d]` words, d * 1000 onwards: a token tells its document and its place in it. */
export function documentsOf(lengths: readonly number[]): string[] {
  return lengths.map((length, d) => Array.from({ length }, (_, i) => `w${d * 1000 + i}`).join(" "));
}

export const documentOf = (token: number) => Math.floor(token / 1000);
export const placeOf = (token: number) => token % 1000;

/** Writes each list of texts as a JSON Lines file; gives their paths to `use`, then removes them. */
export async function withFiles<T>(
  files: readonly (readonly string[])[],
  use: (paths: string[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "corpus-"));
  try {
    const paths = files.map((_, i) => join(folder, `part-${String(i).padStart(3, "0")}.jsonl`));
    await Promise.all(
      files.map((texts, i) => writeFile(paths[i], texts.map((text) => `${JSON.stringify({ text })}\n`).join(""))),
    );
    return await use(paths);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const settings = (overrides: Partial<SamplingSettings> = {}): SamplingSettings => ({
  ...{ length: 4, seed: 0, pack: false, bos: "document", reuse: false, largestSize: 2 },
  ...overrides,
});

/** Draws from texts in one file, with the word tokenizer. */
export function draw(
  texts: readonly string[],
  sets: readonly number[],
  overrides: Partial<SamplingSettings> = {},
  request: Partial<SampleRequest> = {},
): Promise<SampledSet[]> {
  const source = sourceSchema.parse({ id: "source", path: "unused" });
  return withFiles([texts], (files) =>
    sampleSets({ source, files, tokenizer: wordTokenizer(), settings: settings(overrides), sets, ...request }),
  );
}

export function tokensOf(set: CalibrationSet): number[][] {
  return set.sequences.map(({ tokens }) => Array.from(tokens));
}
