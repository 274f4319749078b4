import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { cellName } from "../../study/names.js";
import type { StudyResults } from "../../study/results.js";
import type { StudySpecInput } from "../../study/spec.js";
import { loadSpec } from "../load-spec.js";
import { type Found, runSearch, type SearchRound, searchRounds } from "../search.js";
import type { Touchstone } from "../touchstone.js";
import { printJson, renderTable } from "./output.js";
import { showProgress } from "./study-display.js";
import { withClient } from "./with-client.js";

interface SearchOptions {
  budget: number;
  json?: boolean;
}

/** `touchstone study search SPEC` */
export function studySearchCommand(): Command {
  return new Command("search")
    .description("find the calibration set with the best accuracy, for each model and method, by successive halving")
    .argument("<spec>", "specification, YAML or JSON")
    .option("--budget <share>", "of the evaluation records that all sets would take", parseShare, 0.25)
    .option("--json", "print one JSON document")
    .action(async (file: string, { budget, json }: SearchOptions) => {
      const search = await searchRounds((await loadSpec(file)) as StudySpecInput, budget);
      const { rounds, cost } = search;
      const plan = rounds.map(({ candidates, limit }) => `${candidates} with ${limit} records a task`).join(", then ");
      process.stderr.write(`Sets by model and method: ${plan}; ${(100 * cost).toFixed(0)} % of the records.\n`);
      await withClient(async (touchstone) => {
        const found = await runSearch(search, (round) => runRound(touchstone, round));
        if (json)
          printJson({ rounds: rounds.map(({ study, ...rung }) => ({ study: study.name, ...rung })), cost, found });
        else process.stdout.write(`${renderFound(found)}\n`);
      });
    });
}

async function runRound(touchstone: Touchstone, { study: spec }: SearchRound): Promise<StudyResults> {
  const study = await touchstone.start(spec);
  await showProgress(study);
  await study.result();
  const page = await study.report(join("reports", spec.name));
  const report = JSON.parse(await readFile(join(dirname(page), "report.json"), "utf8")) as { results: StudyResults };
  return report.results;
}

/** What is left after the last round, best first. */
export function renderFound(found: readonly Found[]): string {
  const rows = found.flatMap(({ model, methodLabel, best }) =>
    best.map(({ cell, accuracy }, i) => [
      ...(i === 0 ? [model, methodLabel] : ["", ""]),
      cellName(cell).split("/").slice(2).join("/"),
      Number.isNaN(accuracy) ? "–" : (100 * accuracy).toFixed(2),
    ]),
  );
  return renderTable(["model", "method", "set, best first", "mean accuracy %"], rows, [3]);
}

function parseShare(text: string): number {
  const share = Number(text);
  if (share > 0 && share <= 1) return share;
  throw new InvalidArgumentError("It must be a number above 0, and 1 at most.");
}
