import { Command, InvalidArgumentError } from "commander";
import { readCalibration } from "../../calibration/read-calibration.js";
import { textWindows, tokenPerplexity } from "../../evaluation/perplexity.js";
import { readPerplexityText } from "../../evaluation/perplexity-text.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { printJson } from "./output.js";
import { tokenProgress } from "./token-progress.js";

interface PerplexityCommandOptions {
  tokens?: string;
  text?: string;
  length: number;
  limit?: number;
  json?: boolean;
}

/** `touchstone perplexity`: the token perplexity of a text; needs no services. */
export function perplexityCommand(): Command {
  return new Command("perplexity")
    .description("token perplexity of a text, in windows that are scored alone")
    .argument("<model>", "Hugging Face folder or .gguf file, local or s3://")
    .option("--tokens <file>", 'windows as token ids: JSON {"input_ids": [[...], ...]}')
    .option("--text <file>", "plain text, or records with a field text (JSON Lines, Parquet, Arrow)")
    .option("--length <tokens>", "tokens a window of the text", parseLength, 2048)
    .option("--limit <windows>", "the first windows only", parseLimit)
    .option("--json", "print one JSON document")
    .action(perplexity);
}

async function perplexity(path: string, options: PerplexityCommandOptions, command: Command): Promise<void> {
  if ((options.tokens === undefined) === (options.text === undefined)) {
    command.error("error: give either --tokens or --text");
  }
  const model = await loadModel(path);
  try {
    await loadBackend();
    const windows = await readWindows(model, options);
    const progress = tokenProgress("perplexity");
    const started = performance.now();
    const result = await tokenPerplexity(model, windows, { onProgress: progress.report });
    const seconds = (performance.now() - started) / 1000;
    progress.end();
    if (options.json) printJson({ perplexity: result.perplexity, tokens: result.tokens, seconds });
    else process.stdout.write(`perplexity ${result.perplexity.toFixed(4)} over ${result.tokens} tokens\n`);
  } finally {
    await model.close();
  }
}

async function readWindows(model: Model, options: PerplexityCommandOptions): Promise<Int32Array[]> {
  const { tokens, text: file = "", length, limit } = options;
  if (tokens !== undefined) return (await readCalibration(tokens)).slice(0, limit);
  const text = await readPerplexityText(file);
  return textWindows(text, await model.tokenizer(), length, limit ?? null, { where: file });
}

function parseLength(text: string): number {
  const length = parseLimit(text);
  if (length > 1) return length;
  throw new InvalidArgumentError("It must be 2 or more.");
}

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number, 1 or more.");
}
