import type { StudyResults } from "../study/results.js";
import { renderCsv } from "./csv.js";
import { renderHtml } from "./html.js";
import { studyStatistics } from "./statistics.js";
import { renderSummary } from "./terminal.js";

export interface Report {
  /** One self-contained page. */
  html: string;
  /** Long format, one row per cell, evaluation and metric. */
  csv: string;
  /** `{ results, statistics }`. */
  json: string;
  /** Plain text for a terminal. */
  summary: string;
}

/** All forms of a study's report; the same results give the same bytes. Unfinished studies have reports too. */
export function buildReport(results: StudyResults): Report {
  const statistics = studyStatistics(results);
  return {
    html: renderHtml(results, statistics),
    csv: renderCsv(results),
    json: `${JSON.stringify({ results, statistics }, null, 2)}\n`,
    summary: renderSummary(results, statistics),
  };
}
