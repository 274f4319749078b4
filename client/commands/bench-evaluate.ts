import { Command } from "commander";
import { benchEvaluate, speedTasks } from "../../bench/evaluate-speed.js";
import { createProgress } from "../../infra/progress.js";
import { printJson } from "./output.js";
import { parseCount } from "./parse-count.js";

interface EvaluateBenchOptions {
  data: string;
  limit?: number;
  python?: string;
  json?: boolean;
}

/** `touchstone bench evaluate`: requests a second on real records, beside lm-evaluation-harness where a Python is given. */
export function benchEvaluateCommand(): Command {
  return new Command("evaluate")
    .description(`measure requests a second on ${speedTasks.join(", ")}, and lm-evaluation-harness with --python`)
    .requiredOption("--data <folder>", "folder with <task>.jsonl")
    .option("--limit <records>", "the first records of each task only", parseCount)
    .option("--python <path>", "a Python that has lm_eval, transformers, accelerate and torch")
    .option("--json", "print one JSON document")
    .action(async ({ data, limit, python, json }: EvaluateBenchOptions) => {
      const show = (text: string) => {
        if (!json) process.stdout.write(text);
      };
      const results = await benchEvaluate({ data, limit: limit ?? null, python }, createProgress(), show);
      if (json) printJson(results);
    });
}
