import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import type { StudySpecInput } from "../../study/spec.js";
import { loadSpec } from "../load-spec.js";
import { printJson } from "./output.js";
import { renderFound, showSearch } from "./search-display.js";
import { withClient } from "./with-client.js";

interface SearchOptions {
  budget?: number;
  json?: boolean;
}

/** `touchstone study search SPEC` */
export function studySearchCommand(): Command {
  return new Command("search")
    .description("find the calibration set with the best accuracy, for each model and method, by successive halving")
    .argument("<spec>", "specification, YAML or JSON")
    .option(
      "--budget <share>",
      "of the evaluation records that all sets would take, in place of search.budget",
      parseShare,
    )
    .option("--json", "print one JSON document")
    .action(async (file: string, { budget, json }: SearchOptions) => {
      const input = (await loadSpec(file)) as StudySpecInput;
      const spec = budget === undefined ? input : { ...input, search: { ...input.search, budget } };
      await withClient(async (touchstone) => {
        const summary = await showSearch(touchstone, await touchstone.search(spec));
        for (const { study } of summary.rounds) await touchstone.study(study).report(join("reports", study));
        if (json) printJson(summary);
        else process.stdout.write(`${renderFound(summary.found)}\n`);
      });
    });
}

function parseShare(text: string): number {
  const share = Number(text);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError("It must be a number above 0, and 1 at most.");
}
