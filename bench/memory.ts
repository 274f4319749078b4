import { scoreSequences } from "../evaluation/score.js";
import type { Progress } from "../infra/progress.js";
import { loadBackend } from "../tensor/backend.js";
import { LLAMA_7B, randomModel, randomRecords } from "./random-llama.js";
import { secondsSince } from "./timing.js";

export interface MemoryFigures {
  blocks: number;
  requests: number;
  tokens: number;
  /** Bytes that were asked for, and the most that the process had at a time. */
  memory: number;
  peak: number;
  seconds: number;
}

export interface MemoryOptions {
  /** Bytes. */
  memory: number;
  blocks: number;
  /** Of 4 choices each, with a context of 60 tokens. */
  records: number;
}

/** Scores requests with a model of LLaMA-7B's shape, whose weights are made a block at a time. For a process of its own. */
export async function benchMemory(
  { memory, blocks, records }: MemoryOptions,
  progress: Progress,
): Promise<MemoryFigures> {
  await loadBackend();
  const sequences = randomRecords(records);
  const started = performance.now();
  let tokens = 0;
  await progress.step(
    "scoring with LLaMA-7B's shape",
    (report) =>
      scoreSequences(randomModel(LLAMA_7B, blocks), sequences, {
        memory,
        onProgress: (done, total) => {
          tokens = total;
          report(done, total);
        },
      }),
    { unit: "tokens" },
  );
  // Kibibytes.
  const peak = process.resourceUsage().maxRSS * 1024;
  return { blocks, requests: sequences.length, tokens, memory, peak, seconds: secondsSince(started) };
}
