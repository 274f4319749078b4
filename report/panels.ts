import { toNumber } from "../study/figures.js";
import type { CellResult, StudyResults } from "../study/results.js";
import { cellAnchor } from "./anchors.js";
import { type Dot, dotShapes, type SeriesLook, sizeChart, spreadChart, swatch } from "./chart.js";
import { nameOf, verdictTexts } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { type Measure, readerOf } from "./measures.js";
import { formatLevel, formatSpread } from "./numbers.js";
import type { MethodStatistics, ModelStatistics, StudyStatistics } from "./statistics.js";
import { summarize } from "./variance.js";

/** A figure of one measure: a panel for each method, dots for the sets of the largest size, and the noise replicates. */
export function spreadFigure(
  results: StudyResults,
  { measures }: StudyStatistics,
  model: ModelStatistics,
  measure: Measure,
): Markup {
  const read = percentReader(results, measures, measure);
  const sources = sourcesOf(results);
  const noisy = results.cells.some(({ noise }) => noise !== null);
  const hollow = noisy ? "Hollow dots: one set, its weights jittered; that is numerical noise. " : "";
  const panels = model.methods.map((method) => {
    const size = method.sizes.at(-1)?.size;
    const own = results.cells.filter((cell) => cell.model === model.model && cell.methodLabel === method.method);
    const sets = own.filter((cell) => cell.noise === null && cell.size === size);
    const replicates = own.filter((cell) => cell.noise !== null);
    const columns = sources.map((source, look) => ({
      label: source,
      look: look as SeriesLook,
      dots: dotsOf(
        sets.filter((cell) => cell.source === source),
        read,
        measure,
      ),
    }));
    const noise = { label: "noise", look: "noise" as const, dots: dotsOf(replicates, read, measure) };
    const chart = spreadChart({
      description: `${method.method}: ${nameOf(measure)} of each calibration set. ${spreadText(method, measure)}.`,
      columns: replicates.length > 0 ? [...columns, noise] : columns,
      ...scaleOf(model, measure, sets.map(read)),
    });
    return panelMarkup(method, measure, chart);
  });
  return figureMarkup(
    measure,
    panels,
    legend(sources, noisy),
    `One dot is one calibration set, the short line the source's mean, ± the standard deviation. ${hollow}Each panel has a scale of its own.`,
  );
}

/** How the spread depends on the size of the sets; undefined for studies of one size and without methods that use data. */
export function sizeFigure(
  results: StudyResults,
  { measures }: StudyStatistics,
  model: ModelStatistics,
  measure: Measure,
): Markup | undefined {
  const methods = model.methods.filter(({ dataFree, sizes }) => !dataFree && sizes.length > 1);
  if (methods.length === 0) return undefined;
  const read = percentReader(results, measures, measure);
  const sources = sourcesOf(results);
  const percent = measure.kind === "perplexity" ? 1 : 100;
  const panels = methods.map((method) => {
    const cells = results.cells.filter(
      (cell) => cell.model === model.model && cell.methodLabel === method.method && cell.noise === null,
    );
    const lines = sources.map((source, look) => ({
      look,
      dots: cells
        .filter((cell) => cell.source === source)
        .flatMap((cell) => dotsOf([cell], read, measure).map((dot) => ({ ...dot, size: cell.size ?? 0 }))),
      means: method.sizes.map(({ sources }) => {
        const mean = sources.find((entry) => entry.source === source)?.measures[measure.key]?.mean;
        return mean == null ? null : mean * percent;
      }),
    }));
    const chart = sizeChart({
      description: `${method.method}: ${nameOf(measure)} of each calibration set, by sequences a set.`,
      sizes: method.sizes.map(({ size }) => size),
      lines,
      ...scaleOf(model, measure, cells.map(read)),
    });
    return html`<div class="panel"><h4>${method.method}</h4>${chart}</div>`;
  });
  return figureMarkup(
    measure,
    panels,
    legend(sources, false),
    "From left to right: sequences a calibration set. Lines join the sources' means.",
    " by set size",
  );
}

export function figureMarkup(
  measure: Measure,
  panels: readonly Markup[],
  key: Markup,
  caption: string,
  suffix = "",
): Markup {
  const unit = unitOf(measure);
  const name = nameOf(measure);
  return html`<figure class="card">
<figcaption><h3>${name.charAt(0).toUpperCase() + name.slice(1)}${suffix} <small>${unit}</small></h3>${key}</figcaption>
<div class="panels">${panels}</div>
<p class="note">${caption}</p>
</figure>`;
}

function unitOf({ kind }: Measure): string {
  if (kind === "perplexity") return "lower is better";
  return kind === "lost" || kind === "lostMean" ? "percentage points, lower is better" : "percent, higher is better";
}

function panelMarkup(method: MethodStatistics, measure: Measure, chart: Markup): Markup {
  const verdict = method.noise[measure.key].verdict;
  return html`<div class="panel"><h4>${method.method} <span class="chip ${verdict}">${verdictTexts[verdict]}</span></h4>
<p class="spread">${spreadText(method, measure)}</p>${chart}</div>`;
}

function spreadText({ sizes, noise }: MethodStatistics, { key, kind }: Measure): string {
  const pooled = sizes.at(-1)?.pooled[key] ?? summarize([]);
  const replicates = noise[key].noise;
  const sets = formatSpread(pooled.standardDeviation, kind, pooled.mean);
  const deviation = replicates.standardDeviation;
  const floor = deviation === null ? "" : ` · noise ± ${formatSpread(deviation, kind, replicates.mean)}`;
  const lost = pooled.excluded > 0 ? ` · ${pooled.excluded} not finite` : "";
  return `sets ± ${sets}${floor}${lost}`;
}

export function legend(sources: readonly string[], noise: boolean): Markup {
  const looks: [string, SeriesLook][] = sources.map((source, look) => [source, look]);
  if (noise) looks.push(["noise replicates", "noise"]);
  return html`<ul class="legend">${looks.map(([name, look]) => html`<li>${swatch(look)}${name}</li>`)}</ul>`;
}

/** In charts accuracies are percentages, and an axis spans 2 points or 2 % of the perplexity at least. */
export function scaleOf({ dense }: ModelStatistics, { key, kind }: Measure, values: readonly (number | undefined)[]) {
  const reference = toNumber(dense?.[key]);
  if (kind !== "perplexity") {
    return { dense: reference && reference * 100, minimumExtent: 2, decimals: 1 };
  }
  const level = values.find((value) => value !== undefined && Number.isFinite(value)) ?? 1;
  return { dense: reference, minimumExtent: 0.02 * Math.abs(level), decimals: (reference ?? 0) < 100 ? 2 : 0 };
}

export function percentReader(results: StudyResults, measures: readonly Measure[], measure: Measure) {
  const read = readerOf(results, measures, measure);
  if (measure.kind === "perplexity") return read;
  return (cell: CellResult) => {
    const value = read(cell);
    return value && value * 100;
  };
}

/** Those that were measured. */
export function dotsOf(
  cells: readonly CellResult[],
  read: (cell: CellResult) => number | undefined,
  { kind }: Measure,
): Dot[] {
  const percent = kind === "perplexity" ? 1 : 100;
  return cells.flatMap((cell) => {
    const value = read(cell);
    if (value === undefined) return [];
    const { source, set, noise } = cell;
    const name = noise === null ? `${source}, set ${set}` : `noise ${noise}`;
    return [{ value, anchor: cellAnchor(cell), title: `${name}: ${formatLevel(value / percent, kind)}` }];
  });
}

/** What the page's charts refer to: dots stand for sources, or for methods. */
export function figureShapes(results: StudyResults): Markup {
  const methods = new Set(results.cells.map(({ methodLabel }) => methodLabel));
  return dotShapes(Math.max(sourcesOf(results).length, methods.size));
}

/** The study's sources in order; a source keeps its colour and symbol in all charts. */
export function sourcesOf({ cells, failed }: StudyResults): string[] {
  return [...new Set([...cells, ...failed].map(({ source }) => source))].filter((source) => source !== null);
}
