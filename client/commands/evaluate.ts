import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { evaluateTask } from "../../evaluation/evaluate.js";
import { type EvaluatedTask, harnessResults } from "../../evaluation/harness-results.js";
import { readTaskRecords } from "../../evaluation/records.js";
import { taskNames, taskOf } from "../../evaluation/registry.js";
import type { AddBos } from "../../evaluation/requests.js";
import { encodeSamples, type RequestScore } from "../../evaluation/samples.js";
import { loadModel } from "../../models/load.js";
import { toNumber } from "../../study/figures.js";
import { loadBackend } from "../../tensor/backend.js";
import { printJson, renderTable } from "./output.js";
import { tokenProgress } from "./token-progress.js";

interface EvaluateCommandOptions {
  tasks: string[];
  data: string;
  limit?: number;
  addBos: "auto" | "true" | "false";
  out: string;
  samples?: string;
  json?: boolean;
}

/** `touchstone evaluate`: zero-shot accuracies as lm-evaluation-harness gives them; needs no services. */
export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("score a model on benchmark tasks")
    .argument("<model>", "Hugging Face folder or .gguf file, local or s3://")
    .requiredOption("--tasks <names>", `tasks, separated by commas: ${taskNames.join(", ")}`, parseTasks)
    .requiredOption("--data <folder>", "folder with <task>.jsonl, .parquet or .arrow, local or s3://")
    .requiredOption("--out <file>", "results, JSON in the harness's layout")
    .option("--limit <records>", "score the first records of each task only", parseCount)
    .option("--samples <file>", "scores of the single requests, an Arrow file")
    .addOption(
      new Option("--add-bos <when>", "begin every text with the BOS token; auto: as the tokenizer's own setting has it")
        .choices(["auto", "true", "false"])
        .default("auto"),
    )
    .option("--json", "print one JSON document")
    .action(evaluate);
}

async function evaluate(path: string, options: EvaluateCommandOptions): Promise<void> {
  const { tasks, data, out, json } = options;
  const limit = options.limit ?? null;
  const addBos: AddBos = options.addBos === "auto" ? "auto" : options.addBos === "true";
  // All files are read before the model: what is missing shows at once.
  const files = await Promise.all(tasks.map(async (task) => ({ task, ...(await readTaskRecords(data, task)) })));
  const model = await loadModel(path);
  try {
    await loadBackend();
    const tokenizer = await model.tokenizer();
    const evaluated: EvaluatedTask[] = [];
    const all: RequestScore[] = [];
    for (const { task, records, where } of files) {
      const progress = tokenProgress(task);
      const { evaluation, samples } = await evaluateTask(model, tokenizer, task, records, {
        limit,
        addBos,
        where,
        onProgress: progress.report,
      });
      progress.end();
      evaluated.push({ evaluation, records: records.length });
      all.push(...samples);
    }
    const results = harnessResults(evaluated, { model: path, digest: model.digest, limit, addBos });
    await writeResult(out, `${JSON.stringify(results, null, 2)}\n`);
    if (options.samples !== undefined) await writeResult(options.samples, encodeSamples(all));
    if (json) printJson(results);
    else process.stdout.write(renderResults(evaluated));
  } finally {
    await model.close();
  }
}

async function writeResult(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

function renderResults(tasks: readonly EvaluatedTask[]): string {
  const rows = tasks.flatMap(({ evaluation: { id, metrics, standardErrors, count } }) =>
    Object.entries(metrics).map(([metric, figure]) => [
      id,
      String(count),
      metric,
      format(toNumber(figure)),
      format(toNumber(standardErrors[metric])),
    ]),
  );
  return `${renderTable(["task", "records", "metric", "value", "standard error"], rows, [1, 3, 4])}\n`;
}

function format(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(4);
}

/** Unknown names are found before anything is read; a task named twice is scored once. */
function parseTasks(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  return Array.from(new Map(names.map((name) => [taskOf(name).name, name])).values());
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number, 1 or more.");
}
