import { createHash } from "node:crypto";
import { decodeArrow, encodeArrow } from "../storage/arrow.js";
import type { Sequence } from "./requests.js";
import type { SequenceScore } from "./sequence-score.js";

/** Scores of one model's requests, by their keys. */
export type Scores = ReadonlyMap<string, SequenceScore>;

/** Where the scores of one model are kept. */
export interface StoredScores {
  read(): Promise<Scores>;
  append(scores: Scores): Promise<void>;
}

/** What identifies a request to a model: SHA-256 over the number of tokens before those that are scored, and all tokens. */
export function requestKeys(sequences: readonly Sequence[]): string[] {
  return sequences.map(({ tokens, from }) =>
    createHash("sha256").update(Int32Array.of(from)).update(tokens).digest("hex"),
  );
}

/** An Arrow file with columns request (its key), loglikelihood and greedy. */
export function encodeScores(scores: Scores): Uint8Array {
  const values = Array.from(scores.values());
  return encodeArrow("scores", {
    request: { kind: "texts", values: Array.from(scores.keys()) },
    loglikelihood: { kind: "numbers", values: Float64Array.from(values, ({ loglikelihood }) => loglikelihood) },
    greedy: { kind: "flags", values: values.map(({ greedy }) => greedy) },
  });
}

/** @throws TouchstoneError InvalidData when the bytes are not such a file */
export function decodeScores(bytes: Uint8Array, where: string): Scores {
  const table = decodeArrow(bytes, where);
  const loglikelihoods = table.numbers("loglikelihood");
  const greedy = table.flags("greedy");
  return new Map(
    table.texts("request").map((key, i) => [key, { loglikelihood: loglikelihoods[i], greedy: greedy[i] }]),
  );
}
