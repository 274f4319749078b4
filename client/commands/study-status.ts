import { Command } from "commander";
import { TouchstoneError } from "../../study/errors.js";
import type { StudyHandle } from "../study-handle.js";
import type { Troubles } from "../study-troubles.js";
import type { StudyListing } from "../touchstone.js";
import { printJson, renderTable } from "./output.js";
import { renderView } from "./study-display.js";
import { withClient } from "./with-client.js";

/** `touchstone study status STUDY` */
export function studyStatusCommand(): Command {
  return new Command("status")
    .description("show where a study stands, and why cells failed or are skipped")
    .argument("<study>", "name of the study")
    .option("--json", "print one JSON document")
    .action((name: string, { json }: { json?: boolean }) =>
      withClient(async (touchstone) => {
        const study = touchstone.study(name);
        const view = await study.progress();
        const troubles = await troublesOf(study);
        if (json) printJson({ name, ...view, troubles });
        else process.stdout.write(`${[renderView(name, view), ...renderTroubles(troubles)].join("\n")}\n`);
      }),
    );
}

/** `touchstone study list` */
export function studyListCommand(): Command {
  return new Command("list")
    .description("list the studies that the server remembers")
    .option("--json", "print one JSON document")
    .action(({ json }: { json?: boolean }) =>
      withClient(async (touchstone) => {
        const studies: StudyListing[] = [];
        for await (const found of touchstone.list()) studies.push(found);
        if (json) return printJson({ studies });
        const rows = studies.map(({ name, status, cause, done, failed, started }) => [
          name,
          cause === null ? status.toLowerCase() : `${status.toLowerCase()}: ${cause}`,
          String(done),
          String(failed),
          started.toISOString().slice(0, 16).replace("T", " "),
        ]);
        process.stdout.write(`${renderTable(["study", "status", "cells done", "failed", "started"], rows, [2, 3])}\n`);
      }),
    );
}

/** Without the store the rest is still worth showing. */
async function troublesOf(study: StudyHandle): Promise<Troubles | { unknown: string }> {
  try {
    return await study.troubles();
  } catch (error) {
    if (!(error instanceof TouchstoneError)) throw error;
    return { unknown: error.message };
  }
}

/** One line a cell, and the last lines of a failed one's compute process below it. */
export function renderTroubles(troubles: Troubles | { unknown: string }): string[] {
  if ("unknown" in troubles) return [`  Why cells failed is not known: ${troubles.unknown}`];
  return [
    ...troubles.failed.flatMap(({ cell, errorType, message, at, worker, log }) => [
      `  failed ${cell} (${[at, worker].filter((part) => part !== null).join(", ")}) ${errorType}: ${message}`,
      ...log.map((line) => `    | ${line}`),
    ]),
    ...troubles.skipped.map(({ cell, reason }) => `  skipped ${cell}: ${reason}`),
  ];
}
