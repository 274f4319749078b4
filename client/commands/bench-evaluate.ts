import { availableParallelism } from "node:os";
import { Command } from "commander";
import { benchEvaluate, speedTasks } from "../../bench/evaluate-speed.js";
import { createProgress } from "../../infra/progress.js";
import { printJson } from "./output.js";
import { parseCount } from "./parse-count.js";

interface EvaluateBenchOptions {
  data: string;
  limit?: number;
  processes: number;
  python?: string;
  json?: boolean;
}

/** `touchstone bench evaluate`: requests a second on real records, beside lm-evaluation-harness where a Python is given. */
export function benchEvaluateCommand(): Command {
  return new Command("evaluate")
    .description(`measure requests a second on ${speedTasks.join(", ")}, and lm-evaluation-harness with --python`)
    .requiredOption("--data <folder>", "folder with <task>.jsonl")
    .option("--limit <records>", "the first records of each task only", parseCount)
    .option(
      "--processes <count>",
      "processes that score, each with its share of the cores",
      parseCount,
      availableParallelism(),
    )
    .option("--python <path>", "a Python that has lm_eval, transformers, accelerate and torch")
    .option("--json", "print one JSON document")
    .action(async ({ data, limit, processes, python, json }: EvaluateBenchOptions) => {
      const show = (text: string) => {
        if (!json) process.stdout.write(text);
      };
      const results = await benchEvaluate({ data, limit: limit ?? null, processes, python }, createProgress(), show);
      if (json) printJson(results);
    });
}
