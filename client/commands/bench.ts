import { Command } from "commander";
import { checkPartNames, defaultParts, partNames, runBench } from "../../bench/run.js";
import { createProgress } from "../../infra/progress.js";
import { benchEvaluateCommand } from "./bench-evaluate.js";
import { benchForwardCommand } from "./bench-forward.js";
import { benchLargeCommand } from "./bench-large.js";
import { benchMemoryCommand } from "./bench-memory.js";
import { benchSolveCommand } from "./bench-solve.js";
import { printJson } from "./output.js";

/** `touchstone bench`: how fast this checkout is on this machine, and how much of what the hardware gives it uses. */
export function benchCommand(): Command {
  return new Command("bench")
    .description(
      "measure speed on the quickstart's model, beside what the hardware gives: some seven minutes on two cores",
    )
    .option(
      "--only <parts>",
      `parts, separated by commas: ${partNames.join(", ")} (default: all but noise, workers and forecast)`,
      parseParts,
    )
    .option("--json", "print one JSON document")
    .action(async ({ only = defaultParts, json }: { only?: string[]; json?: boolean }) => {
      const show = (text: string) => {
        if (!json) process.stdout.write(text);
      };
      const results = await runBench(only, createProgress(), show);
      if (json) printJson(results);
    })
    .enablePositionalOptions()
    .addCommand(benchSolveCommand())
    .addCommand(benchEvaluateCommand())
    .addCommand(benchMemoryCommand())
    .addCommand(benchLargeCommand())
    .addCommand(benchForwardCommand());
}

function parseParts(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  checkPartNames(names);
  return names;
}
