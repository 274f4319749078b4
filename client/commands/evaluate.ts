import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command, Option } from "commander";
import { evaluateTasks } from "../../evaluation/evaluate.js";
import { withFewShot } from "../../evaluation/few-shot.js";
import { aggregate, evaluationsIn, type Group } from "../../evaluation/group.js";
import { groupNames, isGrouped } from "../../evaluation/groups.js";
import { type EvaluatedTask, harnessResults, sanitizeModelName } from "../../evaluation/harness-results.js";
import { readTaskRecords } from "../../evaluation/records.js";
import { taskNamed, taskNames } from "../../evaluation/registry.js";
import type { AddBos } from "../../evaluation/requests.js";
import { resolveTasks } from "../../evaluation/resolve-tasks.js";
import { resultsFile, sampleFile, sampleLines } from "../../evaluation/sample-log.js";
import { encodeSamples } from "../../evaluation/samples.js";
import { loadModel } from "../../models/load.js";
import { toNumber } from "../../study/figures.js";
import type { Evaluation, Figure } from "../../study/results.js";
import { loadBackend } from "../../tensor/backend.js";
import { scoringIn } from "../../workers/score-processes.js";
import { MEMORY_HELP, parseMemoryOption } from "./memory-option.js";
import { printJson, renderTable } from "./output.js";
import { parseCount, parseWhole } from "./parse-count.js";
import { tokenProgress } from "./token-progress.js";

interface EvaluateCommandOptions {
  tasks: string[];
  data: string;
  limit?: number;
  numFewshot?: number;
  addBos: "auto" | "true" | "false";
  out: string;
  samples?: string;
  noiseSeed?: number;
  memory?: number;
  processes: number;
  logSamples?: string;
  json?: boolean;
}

/** `touchstone evaluate`: accuracies as lm-evaluation-harness gives them; needs no services. */
export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("score a model on benchmark tasks")
    .argument("<model>", "Hugging Face folder or .gguf file, local or s3://")
    .requiredOption(
      "--tasks <names>",
      `tasks, groups or YAML files of tasks, separated by commas; groups: ${groupNames.join(", ")}; tasks: ${taskNames.filter((name) => !isGrouped(name)).join(", ")}`,
      parseNames,
    )
    .requiredOption("--data <folder>", "folder with <task>.jsonl, .parquet or .arrow, local or s3://")
    .requiredOption("--out <file>", "results, JSON in the harness's layout")
    .option("--limit <records>", "score the first records of each task only", parseCount)
    .option("--num-fewshot <examples>", "solved examples before each question, from <task>.<split>.jsonl", parseWhole)
    .option("--noise-seed <number>", "perturbs the inputs of tasks such as piqa@typos:0.1 otherwise", parseWhole)
    .option("--memory <amount>", MEMORY_HELP, parseMemoryOption)
    .option("--processes <count>", "score in so many processes, which share the cores and the memory", parseCount, 1)
    .option("--samples <file>", "scores of the single requests, an Arrow file")
    .option("--log-samples <folder>", "results and a line a record, in files as the harness's viewers read them")
    .addOption(
      new Option("--add-bos <when>", "begin every text with the BOS token; auto: as the tokenizer's own setting has it")
        .choices(["auto", "true", "false"])
        .default("auto"),
    )
    .option("--json", "print one JSON document")
    .action(evaluate);
}

async function evaluate(path: string, options: EvaluateCommandOptions): Promise<void> {
  const { data, out, json } = options;
  const limit = options.limit ?? null;
  const addBos: AddBos = options.addBos === "auto" ? "auto" : options.addBos === "true";
  const date = new Date();
  const started = performance.now();
  const { names, definitions, groups } = await resolveTasks(options.tasks);
  const tasks = names.map((name) => withFewShot(taskNamed(name, definitions), options.numFewshot ?? null));
  // All files are read before the model: what is missing shows at once.
  const files = await Promise.all(tasks.map(async (task) => ({ task, data: await readTaskRecords(data, task) })));
  const model = await loadModel(path);
  try {
    await loadBackend();
    const tokenizer = await model.tokenizer();
    const progress = tokenProgress(tasks.map(({ name }) => name).join(", "));
    const scored = await evaluateTasks(model, tokenizer, files, {
      ...{ limit, addBos, noiseSeed: options.noiseSeed, memory: options.memory, onProgress: progress.report },
      ...scoringIn(options.processes),
    });
    progress.end();
    const evaluated = scored.map((each, i): EvaluatedTask => {
      const { task, data: records } = files[i];
      for (const note of notesOf(each.evaluation)) process.stderr.write(`${task.name}: ${note}\n`);
      return { task, ...each, records: records.records.length };
    });
    const seconds = (performance.now() - started) / 1000;
    const results = harnessResults(evaluated, groups, {
      ...{ model: path, digest: model.digest, limit, addBos, noiseSeed: options.noiseSeed, date, seconds },
    });
    const resultsText = `${JSON.stringify(results, null, 2)}\n`;
    await writeResult(out, resultsText);
    const samples = evaluated.flatMap((each) => each.samples);
    if (options.samples !== undefined) await writeResult(options.samples, encodeSamples(samples));
    if (options.logSamples !== undefined) {
      const folder = join(options.logSamples, sanitizeModelName(path));
      await writeResult(join(folder, resultsFile(date)), resultsText);
      for (const [i, each] of evaluated.entries()) {
        await writeResult(join(folder, sampleFile(each.task.name, date)), sampleLines(each, files[i].data.records));
      }
    }
    if (json) printJson(results);
    else process.stdout.write(renderResults(evaluated, groups));
  } finally {
    await model.close();
  }
}

async function writeResult(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** What a reader of the figures should know of the records. */
function* notesOf({ truncated, duplicates }: Evaluation): Generator<string> {
  if (truncated !== undefined)
    yield `the context of ${truncated} requests is too long for the model: its beginning was left out`;
  if (duplicates !== undefined) yield `${duplicates} records repeat one before them, and count again`;
}

function renderResults(tasks: readonly EvaluatedTask[], groups: readonly Group[]): string {
  const evaluations = tasks.map(({ evaluation }) => evaluation);
  const row = (id: string, count: number, metric: string, value: Figure, standardError: Figure | undefined) => [
    ...[id, String(count), metric, format(toNumber(value)), format(toNumber(standardError))],
  ];
  const rows = [
    ...evaluations.flatMap(({ id, metrics, standardErrors, count }) =>
      Object.entries(metrics).map(([metric, figure]) => row(id, count, metric, figure, standardErrors[metric])),
    ),
    ...groups.flatMap((group) =>
      aggregate(group, evaluationsIn(group, groups, evaluations)).map(({ metric, value, standardError, count }) =>
        row(group.name, count, metric, value, standardError),
      ),
    ),
  ];
  return `${renderTable(["task", "records", "metric", "value", "standard error"], rows, [1, 3, 4])}\n`;
}

function format(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(4);
}

/** A task named twice is scored once. */
function parseNames(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}
