import { Command } from "commander";
import { TouchstoneError } from "../../study/errors.js";
import { SearchHandle } from "../search-handle.js";
import type { StudyHandle } from "../study-handle.js";
import type { Troubles } from "../study-troubles.js";
import type { SearchListing, StudyListing } from "../touchstone.js";
import { printJson, renderTable } from "./output.js";
import { renderSearch } from "./search-display.js";
import { renderView } from "./study-display.js";
import { withClient } from "./with-client.js";

/** `touchstone study status STUDY` */
export function studyStatusCommand(): Command {
  return new Command("status")
    .description("show where a study stands, and why cells failed or are skipped")
    .argument("<study>", "name of the study, or of a search")
    .option("--json", "print one JSON document")
    .action((name: string, { json }: { json?: boolean }) =>
      withClient(async (touchstone) => {
        const found = await touchstone.find(name);
        if (found instanceof SearchHandle) await showSearchStatus(found, json);
        else await showStudyStatus(found, json);
      }),
    );
}

async function showStudyStatus(study: StudyHandle, json?: boolean): Promise<void> {
  const { name } = study;
  const view = await study.progress();
  const troubles = await troublesOf(study);
  if (json) printJson({ name, ...view, troubles });
  else process.stdout.write(`${[renderView(name, view), ...renderTroubles(troubles)].join("\n")}\n`);
}

async function showSearchStatus(search: SearchHandle, json?: boolean): Promise<void> {
  const { name } = search;
  const [progress, isRunning] = [await search.progress(), await search.isRunning()];
  if (json) printJson({ name, isRunning, ...progress });
  else process.stdout.write(`${renderSearch(name, progress, isRunning)}\n`);
}

/** `touchstone study list` */
export function studyListCommand(): Command {
  return new Command("list")
    .description("list the studies and searches that the server remembers")
    .option("--json", "print one JSON document")
    .action(({ json }: { json?: boolean }) =>
      withClient(async (touchstone) => {
        const studies: StudyListing[] = [];
        for await (const found of touchstone.list()) studies.push(found);
        const searches: SearchListing[] = [];
        for await (const found of touchstone.listSearches()) searches.push(found);
        if (json) return printJson({ studies, searches });
        const ofStudies = studies.map((each) => [...listed(each), String(each.done), String(each.failed)]);
        process.stdout.write(
          `${renderTable(["study", "started", "status", "cells done", "failed"], ofStudies, [3, 4])}\n`,
        );
        if (searches.length > 0)
          process.stdout.write(`\n${renderTable(["search", "started", "status"], searches.map(listed))}\n`);
      }),
    );
}

function listed({ name, status, cause, started }: SearchListing): string[] {
  const state = status.toLowerCase();
  return [name, started.toISOString().slice(0, 16).replace("T", " "), cause === null ? state : `${state}: ${cause}`];
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
