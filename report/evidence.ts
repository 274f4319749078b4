import { cellName } from "../study/names.js";
import type { CellResult, StudyResults } from "../study/results.js";
import { type Measure, readerOf, unperturbed } from "./measures.js";
import { formatFigure, formatLevel, formatSummary } from "./numbers.js";
import { studyStatistics } from "./statistics.js";

/** What of a study speaks about one cell: the dense model, and all cells of its model and method. */
export function resultsAbout(results: StudyResults, { model, methodLabel }: CellResult): StudyResults {
  const isAbout = (cell: { model: string; method: unknown; methodLabel: string }) =>
    cell.model === model && (cell.method === null || cell.methodLabel === methodLabel);
  return {
    ...results,
    cells: results.cells.filter(isAbout),
    failed: results.failed.filter(isAbout),
    skipped: results.skipped.filter(isAbout),
  };
}

/**
 * A cell's figures in Markdown, beside the dense model's and those of the same method on the study's other sets of its size:
 * one model says little where sets spread.
 * @param results as `resultsAbout` gives them
 */
export function renderEvidence(results: StudyResults, cell: CellResult): string {
  const statistics = studyStatistics(results);
  const [model] = statistics.models;
  const size = model?.methods[0]?.sizes.find((each) => each.size === cell.size);
  const own = size?.sources.find(({ source }) => source === cell.source);
  const sets = results.cells.filter((each) => each.size === cell.size && each.noise === null && each.method !== null);
  const rows = unperturbed(statistics.measures).map((measure) => {
    const { key, kind } = measure;
    return [
      titleOf(measure),
      formatFigure(model?.dense?.[key], kind),
      formatLevel(readerOf(results, statistics.measures, measure)(cell), kind),
      formatSummary(own?.measures[key], kind),
      formatSummary(size?.pooled[key], kind),
    ];
  });
  const head = ["", "dense", "this model", `sets of ${cell.source}`, `all ${sets.length} sets`];
  return [
    `\`${cellName(cell)}\` of the study ${results.name}; of several sets mean ± standard deviation:`,
    [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n"),
  ].join("\n\n");
}

function titleOf({ id, kind }: Measure): string {
  return kind === "perplexity" ? `perplexity of ${id}` : `${id}, %`;
}
