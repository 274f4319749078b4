import Table from "cli-table3";
import type { StudyResults } from "../study/results.js";
import { incompleteness, unseenNote, verdictTexts } from "./finding.js";
import { headlines, type Measure, meanLosses } from "./measures.js";
import { formatFigure, formatSummary } from "./numbers.js";
import type { ModelStatistics, StudyStatistics } from "./statistics.js";
import { stoppingNotes } from "./stopping-text.js";

/**
 * The study's headline figures as a table for a terminal, without colours: models, methods and sources by the tasks' mean (in
 * percent) and the perplexities, mean ± standard deviation over the sets of the largest size.
 */
export function renderSummary(results: StudyResults, statistics: StudyStatistics): string {
  const measures = headlines(statistics.measures);
  const table = renderTable(
    statistics,
    measures,
    measures.map(({ id, kind }) => (kind === "perplexity" ? id : `${id} %`)),
  );
  const notes = [
    noiseNotes(statistics, measures),
    controlNotes(statistics),
    stoppingNotes(results),
    unseenNote(results) ?? [],
    incompleteness(results) ?? [],
  ].flat();
  return [table, ...lossTable(statistics), ...notes].join("\n");
}

/** Accuracy lost under perturbed inputs, where that was measured: over all, where single columns would be too many. */
function lossTable(statistics: StudyStatistics): string[] {
  const losses = meanLosses(statistics.measures);
  if (losses.length === 0) return [];
  const shown = losses.slice(0, losses.length > MOST_LOSSES ? 1 : MOST_LOSSES);
  const table = renderTable(
    statistics,
    shown,
    shown.map(({ id }) => id),
  );
  return ["accuracy lost under perturbed inputs, percentage points:", table];
}

const MOST_LOSSES = 3;

function renderTable(statistics: StudyStatistics, measures: readonly Measure[], columns: readonly string[]): string {
  const table = new Table({
    head: ["model", "method", "source", ...columns],
    colAligns: ["left", "left", "left", ...columns.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const model of statistics.models) table.push(...modelRows(model, measures));
  return table.toString();
}

function modelRows({ model, dense, methods }: ModelStatistics, measures: readonly Measure[]): string[][] {
  const reference = [model, "dense", "", ...measures.map(({ key, kind }) => formatFigure(dense?.[key], kind))];
  const rows = methods.flatMap(({ method, sizes }) => {
    const size = sizes.at(-1);
    if (size === undefined) return [[model, method, "no cell finished", ...measures.map(() => "")]];
    const entries = [...size.sources, { source: "all sets", measures: size.pooled }];
    return entries.map(({ source, measures: summaries }) => [
      model,
      method,
      source,
      ...measures.map(({ key, kind }) => formatSummary(summaries[key], kind)),
    ]);
  });
  return [reference, ...rows];
}

function noiseNotes({ models }: StudyStatistics, measures: readonly Measure[]): string[] {
  return models.flatMap(({ model, methods }) =>
    methods
      .filter(({ dataFree }) => !dataFree)
      .map(({ method, noise }) => {
        const verdicts = measures.map(({ key, id }) => {
          const { noise: replicates, verdict, ratio } = noise[key];
          const factor = ratio === null ? "" : ` (${ratio.toFixed(1)} x noise, ${replicates.count} replicates)`;
          return `${id}: ${verdictTexts[verdict]}${factor}`;
        });
        return `${model} ${method}: spread over sets, ${verdicts.join("; ")}`;
      }),
  );
}

function controlNotes({ models }: StudyStatistics): string[] {
  return models.flatMap(({ model, methods }) =>
    methods.flatMap(({ method, nullControl }) => {
      if (nullControl === null) return [];
      const words = {
        pass: "pass, spread exactly 0",
        fail: `FAIL, spread ${nullControl.spread} in ${nullControl.spreading.join(", ")}`,
        unmeasured: "not measured, fewer than two cells",
      };
      return [`${model} ${method}: null control ${words[nullControl.verdict]}`];
    }),
  );
}
