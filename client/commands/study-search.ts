import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { cellName } from "../../study/names.js";
import type { Ranking, SearchProgress } from "../../study/search.js";
import type { StudySpecInput } from "../../study/spec.js";
import { loadSpec } from "../load-spec.js";
import type { SearchHandle } from "../search-handle.js";
import type { Touchstone } from "../touchstone.js";
import { printJson, renderTable } from "./output.js";
import { showProgress } from "./study-display.js";
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
        const handle = await touchstone.search(spec);
        await showRounds(touchstone, handle);
        const summary = await handle.result();
        for (const { study } of summary.rounds) await touchstone.study(study).report(join("reports", study));
        if (json) printJson(summary);
        else process.stdout.write(`${renderFound(summary.found)}\n`);
      });
    });
}

/** Each round as the study that it is. */
async function showRounds(touchstone: Touchstone, search: SearchHandle): Promise<void> {
  let isTold = false;
  for await (const progress of search.watch()) {
    if (progress.rounds.length > 0 && !isTold) process.stderr.write(renderPlan(progress));
    isTold = progress.rounds.length > 0;
    if (progress.phase === "running" && progress.round !== null)
      await showProgress(touchstone.study(progress.rounds[progress.round].study));
  }
}

function renderPlan({ rounds, cost }: SearchProgress): string {
  const plan = rounds.map(({ candidates, limit }) => `${candidates} with ${limit} records a task`).join(", then ");
  return `Sets by model and method: ${plan}; ${(100 * Number(cost)).toFixed(0)} % of the records.\n`;
}

/** What is left after the last round, best first. */
export function renderFound(found: readonly Ranking[]): string {
  const rows = found.flatMap(({ model, methodLabel, best }) =>
    best.map(({ cell, accuracy }, i) => [
      ...(i === 0 ? [model, methodLabel] : ["", ""]),
      cellName(cell).split("/").slice(2).join("/"),
      accuracy === null ? "–" : (100 * accuracy).toFixed(2),
    ]),
  );
  return renderTable(["model", "method", "set, best first", "mean accuracy %"], rows, [3]);
}

function parseShare(text: string): number {
  const share = Number(text);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError("It must be a number above 0, and 1 at most.");
}
