import { cellName } from "../../study/names.js";
import type { Ranking, SearchProgress, SearchSummary } from "../../study/search.js";
import type { SearchHandle } from "../search-handle.js";
import type { Touchstone } from "../touchstone.js";
import { renderTable } from "./output.js";
import { showProgress } from "./study-display.js";

/**
 * Shows each round of a search as the study that it is, until the search ends.
 * @throws TouchstoneError as the search failed
 */
export async function showSearch(
  touchstone: Touchstone,
  search: SearchHandle,
  stream: NodeJS.WriteStream = process.stderr,
): Promise<SearchSummary> {
  let isTold = false;
  for await (const progress of search.watch()) {
    if (progress.rounds.length > 0 && !isTold) stream.write(renderPlan(progress));
    isTold = progress.rounds.length > 0;
    if (progress.phase === "running" && progress.round !== null)
      await showProgress(touchstone.study(progress.rounds[progress.round].study), stream);
  }
  return search.result();
}

/** One JSON document a line: where the search stands, whenever another round has begun. */
export async function showSearchJson(search: SearchHandle): Promise<void> {
  for await (const progress of search.watch())
    process.stdout.write(`${JSON.stringify({ name: search.name, ...progress })}\n`);
}

function renderPlan({ rounds, cost }: SearchProgress): string {
  const plan = rounds.map(
    ({ candidates, limit, pilot }) => `${candidates}${pilot ? " as a pilot" : ""} with ${limit} records a task`,
  );
  return `Sets by model and method: ${plan.join(", then ")}; ${(100 * Number(cost)).toFixed(0)} % of the records.\n`;
}

/** Where a search stands, and its rounds. @param isRunning as the server says */
export function renderSearch(name: string, { phase, rounds, round }: SearchProgress, isRunning: boolean): string {
  const state = phase === "done" || isRunning ? phase : "ended before it was done";
  const at = round === null ? "" : `, round ${round + 1} of ${rounds.length}`;
  const head = `${name}: search, ${state}${at}`;
  if (rounds.length === 0) return head;
  const rows = rounds.map(({ study, candidates, limit }) => [study, String(candidates), String(limit)]);
  return `${head}\n${renderTable(["study", "sets by model and method", "records a task"], rows, [1, 2])}`;
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
