import { Command } from "commander";
import { checkPartNames, partNames, runBench } from "../../bench/run.js";
import { createProgress } from "../../infra/progress.js";
import { printJson } from "./output.js";

/** `touchstone bench`: how fast this checkout is on this machine, and how much of what the hardware gives it uses. */
export function benchCommand(): Command {
  return new Command("bench")
    .description(
      "measure speed on the quickstart's model, beside what the hardware gives: some five minutes on two cores",
    )
    .option("--only <parts>", `parts, separated by commas: ${partNames.join(", ")}`, parseParts, partNames)
    .option("--json", "print one JSON document")
    .action(async ({ only, json }: { only: string[]; json?: boolean }) => {
      const show = (text: string) => {
        if (!json) process.stdout.write(text);
      };
      const results = await runBench(only, createProgress(), show);
      if (json) printJson(results);
    });
}

function parseParts(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  checkPartNames(names);
  return names;
}
