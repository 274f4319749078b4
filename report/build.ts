import type { StudyOutcomes } from "../statistics/outcomes.js";
import type { StudyResults } from "../study/results.js";
import { studyAnalyses } from "./analyses.js";
import { renderCsv } from "./csv.js";
import { renderHtml } from "./html.js";
import { studyStatistics } from "./statistics.js";
import { renderSummary } from "./terminal.js";

export interface Report {
  /** One self-contained page. */
  html: string;
  /** Long format, one row per cell, evaluation and metric. */
  csv: string;
  /** `{ results, statistics, analyses }`. */
  json: string;
  /** Plain text for a terminal. */
  summary: string;
}

/**
 * All forms of a study's report; the same results give the same bytes. Unfinished studies have reports too.
 * @param outcomes of single records, which differences between sources are tested on
 */
export function buildReport(results: StudyResults, outcomes?: StudyOutcomes): Report {
  const statistics = studyStatistics(results, outcomes);
  const analyses = studyAnalyses(results, statistics);
  return {
    html: renderHtml(results, statistics, analyses),
    csv: renderCsv(results),
    json: `${JSON.stringify({ results, statistics, analyses }, null, 2)}\n`,
    summary: renderSummary(results, statistics),
  };
}
