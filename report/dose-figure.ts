import type { StudyResults } from "../study/results.js";
import { groupAnchor } from "./anchors.js";
import { sizeChart } from "./chart.js";
import { type DoseSeries, statisticsOf } from "./dose.js";
import { nameOf, verdictTexts } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { headlines, type Measure } from "./measures.js";
import { formatLevel, formatSpread, formatSummary } from "./numbers.js";
import { dotsOf, figureMarkup, legend, percentReader, scaleOf, sourcesOf } from "./panels.js";
import type { ModelStatistics, StudyStatistics } from "./statistics.js";
import { cellsLink, entry, heading, table } from "./table.js";
import { summarize } from "./variance.js";

/** How figures and their spread go with bits and sparsity; undefined where no method stands with several. */
export function doseSection(
  results: StudyResults,
  { measures }: StudyStatistics,
  model: ModelStatistics,
  series: readonly DoseSeries[],
): Markup | undefined {
  if (series.length === 0) return undefined;
  const shown = headlines(measures);
  return html`<h2>Bits and sparsity</h2>
<ul class="details">${series.map((each) => html`<li><strong>${each.method}</strong> ${shown.map((measure) => doseSentence(each, model, measure)).join(" ")}</li>`)}</ul>
${shown.map((measure) => doseFigure(results, measures, model, series, measure))}
${doseTable(model, series, shown)}`;
}

/** "Mean accuracy falls from 45.20 with 4 bits to 38.10 with 2 bits, and the standard deviation over sets goes from 0.30 to 1.20." */
export function doseSentence({ doses, dataFree }: DoseSeries, model: ModelStatistics, measure: Measure): string {
  const name = nameOf(measure);
  const known = doses.flatMap((dose) => {
    const { mean = null, standardDeviation = null } =
      statisticsOf(dose, model)?.sizes.at(-1)?.pooled[measure.key] ?? {};
    return mean === null ? [] : [{ dose, mean, standardDeviation }];
  });
  const [weakest, strongest] = [known.at(0), known.at(-1)];
  const subject = name.charAt(0).toUpperCase() + name.slice(1);
  if (weakest === undefined || strongest === undefined || known.length < 2)
    return `${subject}: fewer than two doses have a finite figure.`;
  const show = (each: typeof weakest) => `${formatLevel(each.mean, measure.kind)} with ${each.dose.label}`;
  const spread = ({ standardDeviation, mean }: typeof weakest) => formatSpread(standardDeviation, measure.kind, mean);
  const spreads =
    dataFree || weakest.standardDeviation === null || strongest.standardDeviation === null
      ? ""
      : `; the standard deviation over sets goes from ${spread(weakest)} to ${spread(strongest)}`;
  return `${subject} goes from ${show(weakest)} to ${show(strongest)}${spreads}.`;
}

function doseFigure(
  results: StudyResults,
  measures: readonly Measure[],
  model: ModelStatistics,
  series: readonly DoseSeries[],
  measure: Measure,
): Markup {
  const read = percentReader(results, measures, measure);
  const sources = sourcesOf(results);
  const panels = series.map((each) => {
    const steps = each.doses.map((_, step) => step);
    const cellsOf = (step: number) => {
      const size = statisticsOf(each.doses[step], model)?.sizes.at(-1)?.size;
      return results.cells.filter(
        (cell) =>
          cell.model === model.model &&
          cell.methodLabel === each.doses[step].method &&
          cell.noise === null &&
          cell.size === size,
      );
    };
    const lines = sources.map((source, look) => {
      const own = steps.map((step) => cellsOf(step).filter((cell) => cell.source === source));
      return {
        look,
        dots: own.flatMap((cells, size) => dotsOf(cells, read, measure).map((dot) => ({ ...dot, size }))),
        means: own.map((cells) => summarize(cells.map((cell) => read(cell) ?? Number.NaN)).mean),
      };
    });
    const chart = sizeChart({
      description: `${each.method}: ${doseSentence(each, model, measure)}`,
      sizes: steps,
      labels: each.doses.map(({ label }) => label),
      lines,
      ...scaleOf(model, measure, steps.flatMap(cellsOf).map(read)),
    });
    return html`<div class="panel"><h4>${each.method}</h4>${chart}</div>`;
  });
  const caption =
    "From left to right: stronger compression. One dot is one calibration set; lines join the sources' means.";
  return figureMarkup(measure, panels, legend(sources, false), caption, " by bits and sparsity");
}

function doseTable(model: ModelStatistics, series: readonly DoseSeries[], measures: readonly Measure[]): Markup {
  const rows = series.flatMap(({ method, doses, dataFree }) =>
    doses.map((dose) => {
      const statistics = statisticsOf(dose, model);
      const group = groupAnchor({ model: model.model, method: dose.method });
      const cells = measures.map(({ key, kind }) => {
        const verdict = statistics?.noise[key]?.verdict;
        const chip =
          dataFree || verdict === undefined ? "" : html` <span class="chip ${verdict}">${verdictTexts[verdict]}</span>`;
        const pooled = statistics?.sizes.at(-1)?.pooled[key];
        const figures = { mean: pooled?.mean, deviation: pooled?.standardDeviation };
        return entry(html`${formatSummary(pooled, kind)}${chip}`, figures, pooled && group);
      });
      return html`<tr><th scope="row">${method}</th><td>${cellsLink(dose.label, group)}</td>${cells}</tr>`;
    }),
  );
  const columns = [{ text: "method" }, "dose", ...measures.map(heading)];
  return table("By bits and sparsity: mean ± standard deviation over all sets", columns, [
    html`<tbody>${rows}</tbody>`,
  ]);
}
