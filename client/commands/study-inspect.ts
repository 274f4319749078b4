import { Command } from "commander";
import { requireReadable } from "../../calibration/given-sets.js";
import { studyTask } from "../../evaluation/study-task.js";
import { createProgress, type Progress } from "../../infra/progress.js";
import { loadModel } from "../../models/load.js";
import { openTokenizer } from "../../models/tokenizer-open.js";
import { parseStudySpec, type StudySpec } from "../../study/spec.js";
import { splitTaskName } from "../../study/task-name.js";
import { inspect, type NamedRecords, readRecordsOf, specialTokensOf } from "../inspection.js";
import { writeInspection } from "../inspection-files.js";
import { loadSpec } from "../load-spec.js";
import { useStore } from "../services.js";
import { modelOfSpec, setsOfSpec, setsOfStudy } from "../study-sets.js";
import { inspectionJson, renderInspection } from "./inspection-output.js";
import { MEMORY_HELP, parseMemoryOption } from "./memory-option.js";
import { printJson } from "./output.js";

interface StudyInspectOptions {
  model?: string;
  perplexity?: boolean;
  records: boolean;
  memory?: number;
  bucket?: string;
  prefix?: string;
  out?: string;
  json?: boolean;
}

/** `touchstone study inspect`: before a study by its specification, afterwards by its name. */
export function studyInspectCommand(): Command {
  return new Command("inspect")
    .description("show what stands in a study's calibration sets, before it (they are drawn here) or after")
    .argument("<study>", "specification (.yaml, .yml or .json): nothing but its files is needed; or name of a study")
    .option("--model <id>", "the study's model whose tokens are looked at (default: its first)")
    .option("--perplexity", "also the perplexity of each sequence under that model, which takes a forward pass")
    .option("--no-records", "do not look for the tasks' records")
    .option("--memory <amount>", MEMORY_HELP, parseMemoryOption)
    .option("--bucket <name>", "bucket of a study given by its name (default: TOUCHSTONE_BUCKET, or the local store's)")
    .option("--prefix <prefix>", "its checkpoints.prefix")
    .option(
      "--out <path>",
      "one page (.html), or a folder for the figures and a page a source (default: reports/STUDY/sets)",
    )
    .option("--json", "print one JSON document")
    .action(run);
}

async function run(study: string, options: StudyInspectOptions): Promise<void> {
  const { perplexity = false, memory, json } = options;
  const progress = createProgress();
  const { spec, sets, tokenizer } = await readStudy(study, options, progress);
  const { path } = modelOfSpec(spec, options.model);
  for (const { set, name } of sets) requireReadable(tokenizer, set, `${name}, for ${path}`);
  const tasks = options.records ? await readRecords(spec) : undefined;
  const model = perplexity ? await loadModel(path) : undefined;
  try {
    const inspection = await inspect({ sets, tokenizer, model, memory, tasks }, progress);
    const out = options.out ?? `reports/${spec.name}/sets`;
    const page = await writeInspection(inspection, out, {
      ...{ title: spec.name, specialTokens: specialTokensOf(tokenizer, sets) },
    });
    if (json) printJson(inspectionJson(inspection, page));
    else process.stdout.write(renderInspection(inspection, page));
  } finally {
    await model?.close();
  }
}

async function readStudy(study: string, { model, bucket, prefix }: StudyInspectOptions, progress: Progress) {
  if (/\.(ya?ml|json)$/i.test(study)) {
    const spec = parseStudySpec(await loadSpec(study));
    const tokenizer = await openTokenizer(modelOfSpec(spec, model).path);
    return { spec, tokenizer, sets: await setsOfSpec(spec, tokenizer, progress) };
  }
  const { plan, sets } = await setsOfStudy(study, await useStore({ bucket, prefix }), model);
  return { spec: plan.spec, tokenizer: await openTokenizer(modelOfSpec(plan.spec, model).path), sets };
}

/** Of the tasks as they are: perturbed ones have the same. */
async function readRecords({ evaluation }: StudySpec): Promise<NamedRecords[] | undefined> {
  const names = Array.from(new Set(evaluation.tasks.map((name) => splitTaskName(name).task)));
  if (names.length === 0) return undefined;
  return readRecordsOf(
    names.map((name) => studyTask(evaluation, name)),
    evaluation.data ?? "",
    evaluation.limit,
  );
}
