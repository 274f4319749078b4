import { Command, InvalidArgumentError } from "commander";
import { readCalibration } from "../../calibration/read-calibration.js";
import { textWindows, tokenPerplexity } from "../../evaluation/perplexity.js";
import { readDocuments, readPerplexityText } from "../../evaluation/perplexity-text.js";
import { rollingPerplexity } from "../../evaluation/rolling.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { toNumber } from "../../study/figures.js";
import { loadBackend } from "../../tensor/backend.js";
import { MEMORY_HELP, parseMemoryOption } from "./memory-option.js";
import { printJson } from "./output.js";
import { parseCount } from "./parse-count.js";
import { tokenProgress } from "./token-progress.js";

interface PerplexityCommandOptions {
  tokens?: string;
  text?: string;
  length: number;
  limit?: number;
  rolling?: boolean;
  memory?: number;
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
    .option("--limit <windows>", "the first windows only; with --rolling, the first documents", parseCount)
    .option("--rolling", "word and byte perplexity: every token of the text once; windows as long as the model allows")
    .option("--memory <amount>", MEMORY_HELP, parseMemoryOption)
    .option("--json", "print one JSON document")
    .action(perplexity);
}

async function perplexity(path: string, options: PerplexityCommandOptions, command: Command): Promise<void> {
  if ((options.tokens === undefined) === (options.text === undefined)) {
    command.error("error: give either --tokens or --text");
  }
  if (options.rolling && options.text === undefined) command.error("error: --rolling wants --text");
  const model = await loadModel(path);
  try {
    await loadBackend();
    if (options.rolling) {
      const given = command.getOptionValueSource("length") !== "default";
      await printRolling(model, { ...options, length: given ? options.length : null });
      return;
    }
    const windows = await readWindows(model, options);
    const progress = tokenProgress("perplexity");
    const started = performance.now();
    const result = await tokenPerplexity(model, windows, {
      memory: options.memory,
      onProgress: progress.report,
    });
    const seconds = (performance.now() - started) / 1000;
    progress.end();
    if (options.json) printJson({ perplexity: result.perplexity, tokens: result.tokens, seconds });
    else process.stdout.write(`perplexity ${result.perplexity.toFixed(4)} over ${result.tokens} tokens\n`);
  } finally {
    await model.close();
  }
}

async function printRolling(
  model: Model,
  {
    text: file = "",
    length,
    limit,
    memory,
    json,
  }: Omit<PerplexityCommandOptions, "length"> & { length: number | null },
): Promise<void> {
  const documents = (await readDocuments(file)).slice(0, limit);
  const progress = tokenProgress("perplexity");
  const started = performance.now();
  const { evaluation, words, bytes } = await rollingPerplexity(model, await model.tokenizer(), documents, {
    ...{ id: file, length, memory, onProgress: progress.report },
  });
  const seconds = (performance.now() - started) / 1000;
  progress.end();
  const figures = Object.entries(evaluation.metrics).map(([metric, figure]) => [metric, toNumber(figure)] as const);
  if (json) {
    printJson({
      ...Object.fromEntries(figures),
      ...{ tokens: evaluation.count, words, bytes, documents: documents.length, seconds },
    });
    return;
  }
  for (const [metric, value] of figures) process.stdout.write(`${metric} ${value?.toFixed(4)}\n`);
  process.stdout.write(`over ${evaluation.count} tokens, ${words} words, ${bytes} bytes\n`);
}

async function readWindows(model: Model, options: PerplexityCommandOptions): Promise<Int32Array[]> {
  const { tokens, text: file = "", length, limit } = options;
  if (tokens !== undefined) return (await readCalibration(tokens)).slice(0, limit);
  const text = await readPerplexityText(file);
  return textWindows(text, await model.tokenizer(), length, limit ?? null, { where: file });
}

function parseLength(text: string): number {
  const length = parseCount(text);
  if (length > 1) return length;
  throw new InvalidArgumentError("It must be 2 or more.");
}
