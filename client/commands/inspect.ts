import { basename } from "node:path";
import { Command } from "commander";
import { givenSetFiles, requireReadable } from "../../calibration/given-sets.js";
import type { NamedSet } from "../../calibration/inspection/findings.js";
import { readSetFile } from "../../calibration/read-calibration.js";
import { taskNamed } from "../../evaluation/registry.js";
import { resolveTasks } from "../../evaluation/resolve-tasks.js";
import { createProgress } from "../../infra/progress.js";
import { loadModel } from "../../models/load.js";
import { openTokenizer } from "../../models/tokenizer-open.js";
import { listOf } from "../../report/numbers.js";
import { inspect, type NamedRecords, readRecordsOf, specialTokensOf } from "../inspection.js";
import { writeInspection } from "../inspection-files.js";
import { inspectionJson, renderInspection } from "./inspection-output.js";
import { MEMORY_HELP, parseMemoryOption } from "./memory-option.js";
import { printJson } from "./output.js";
import { parseCount } from "./parse-count.js";

interface InspectOptions {
  tokenizer?: string;
  model?: string;
  data?: string;
  tasks?: string;
  limit?: number;
  memory?: number;
  out: string;
  json?: boolean;
}

/** `touchstone inspect`: what stands in calibration sets that are files; needs no services. */
export function inspectCommand(): Command {
  return new Command("inspect")
    .description("show what stands in calibration sets: languages, near-duplicates, evaluation records, and the texts")
    .argument("<set...>", "sets: .arrow as `touchstone sample` writes them, or .json with input_ids; local or s3://")
    .option("--tokenizer <model>", "Hugging Face folder or .gguf file whose tokenizer the tokens are of")
    .option("--model <model>", "also the perplexity of each sequence under this model; its tokenizer is taken")
    .option("--tasks <names>", "also look for the records of these tasks, groups or YAML files, separated by commas")
    .option("--data <folder>", "folder with <task>.jsonl, .parquet or .arrow, local or s3://")
    .option("--limit <records>", "look for the first records of each task only", parseCount)
    .option("--memory <amount>", MEMORY_HELP, parseMemoryOption)
    .requiredOption("--out <path>", "one page (.html), or a folder for the figures and a page a source")
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(files: string[], options: InspectOptions, command: Command): Promise<void> {
  const { model: path, tokenizer: tokenizerPath = path, tasks, data, limit = null, memory, out, json } = options;
  if (tokenizerPath === undefined) return command.error("error: give --tokenizer, or --model");
  if ((tasks === undefined) !== (data === undefined)) return command.error("error: --tasks and --data go together");
  const progress = createProgress();
  const tokenizer = await openTokenizer(path ?? tokenizerPath);
  const sets = await readSets(files);
  for (const { set, where } of sets) requireReadable(tokenizer, set, `${where}, for ${path ?? tokenizerPath}`);
  const records = tasks === undefined ? undefined : await readRecords(tasks, data ?? "", limit);
  const model = path === undefined ? undefined : await loadModel(path);
  try {
    const inspection = await inspect({ sets, tokenizer, model, memory, tasks: records }, progress);
    const title = titleOf(sets);
    const page = await writeInspection(inspection, out, { title, specialTokens: specialTokensOf(tokenizer, sets) });
    if (json) printJson(inspectionJson(inspection, page));
    else process.stdout.write(renderInspection(inspection, page));
  } finally {
    await model?.close();
  }
}

/** Called by their files' names, or by their paths where two have one name. */
async function readSets(files: readonly string[]): Promise<(NamedSet & { where: string })[]> {
  const uris = Array.from(new Set(await givenSetFiles(files)));
  const names = uris.map((uri) => basename(uri));
  return Promise.all(
    uris.map(async (uri, i) => {
      const set = await readSetFile(uri);
      const isOnly = names.indexOf(names[i]) === names.lastIndexOf(names[i]);
      const source = set.provenance?.source.id ?? names[i].replace(/\.\w+$/, "");
      return { source, name: isOnly ? names[i] : uri, set, where: uri };
    }),
  );
}

async function readRecords(tasks: string, data: string, limit: number | null): Promise<NamedRecords[]> {
  const { names, definitions } = await resolveTasks(tasks.split(",").map((name) => name.trim()));
  return readRecordsOf(
    names.map((name) => taskNamed(name, definitions)),
    data,
    limit,
  );
}

function titleOf(sets: readonly NamedSet[]): string {
  const sources = Array.from(new Set(sets.map(({ source }) => source)));
  return sources.length > 4 ? `${sources.length} sources` : listOf(sources);
}
