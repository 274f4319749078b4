import { join } from "node:path";
import { z } from "zod";
import { command } from "../infra/commands.js";
import { checkoutFolder } from "../storage/home.js";

const TODO = "Name a Python that has torch, transformers, accelerate and lm_eval.";
const SCRIPT = join(checkoutFolder, "bench", "evaluate_harness.py");

const figuresSchema = z.object({
  seconds: z.number(),
  processorSeconds: z.number(),
  requests: z.number(),
  results: z.record(z.string(), z.record(z.string(), z.number())),
});

/** What lm-evaluation-harness took, and its accuracies by task. */
export type HarnessFigures = z.output<typeof figuresSchema>;

export interface HarnessOptions {
  /** Hugging Face folder. */
  model: string;
  threads: number;
  batchSize: number;
  limit: number | null;
  /** By the task's name: which of its splits the records are, and their file (JSON Lines). */
  tasks: Readonly<Record<string, { split: string; file: string }>>;
}

/** Before anything is measured. @throws TouchstoneError SetupIncomplete where the Python is missing or lacks something */
export async function checkHarness(python: string): Promise<void> {
  await command(python, ["-c", "import torch, transformers, accelerate, lm_eval"], TODO);
}

/**
 * lm-evaluation-harness with transformers on the same records, in float32.
 * @throws TouchstoneError SetupIncomplete where the Python is missing or fails, with what it said
 */
export async function runHarness(python: string, options: HarnessOptions): Promise<HarnessFigures> {
  const { model, threads, batchSize, limit, tasks } = options;
  const figures = [String(threads), String(batchSize), limit === null ? "all" : String(limit)];
  const output = await command(python, [SCRIPT, model, ...figures, JSON.stringify(tasks)], TODO);
  return figuresSchema.parse(JSON.parse(output.trimEnd().split("\n").at(-1) ?? ""));
}
