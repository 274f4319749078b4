import type { StudyResults } from "../study/results.js";
import { nameOf } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { type Measure, meanLosses } from "./measures.js";
import { formatFigure, formatLevel, formatPercent, formatPValue } from "./numbers.js";
import { spreadFigure } from "./panels.js";
import type { MethodStatistics, ModelStatistics, StudyStatistics } from "./statistics.js";
import { sourceTable } from "./tables.js";

/** Accuracy lost under perturbed inputs, by source: which calibration data makes a model brittle. undefined where none was measured. */
export function robustnessSection(
  results: StudyResults,
  statistics: StudyStatistics,
  model: ModelStatistics,
): Markup | undefined {
  const losses = meanLosses(statistics.measures);
  const perturbed = statistics.measures.filter(({ kind }) => kind === "perturbed");
  if (perturbed.length === 0) return undefined;
  const single = statistics.measures.filter(({ kind }) => kind === "lost");
  const [headline] = losses;
  return html`<h2>Under perturbed inputs</h2>
${headline === undefined ? notCompared : brittleness(results, statistics, model, headline)}
${losses.length > 0 ? sourceTable(model, losses, { caption: "Accuracy lost, mean over the tasks: mean ± standard deviation over the calibration sets" }) : null}
<details><summary>Perturbed tasks one by one</summary>
${single.length > 0 ? sourceTable(model, single, { caption: "Accuracy lost: mean ± standard deviation over the calibration sets" }) : null}
${sourceTable(model, perturbed, { caption: "Accuracy under perturbation: mean ± standard deviation over the calibration sets" })}
</details>`;
}

const notCompared = html`<p class="note">No perturbed task was measured without perturbation too, so what was lost is not known.</p>`;

function brittleness(
  results: StudyResults,
  statistics: StudyStatistics,
  model: ModelStatistics,
  measure: Measure,
): Markup {
  const items = model.methods
    .filter(({ dataFree, sizes }) => !dataFree && sizes.length > 0)
    .flatMap((method) => {
      const text = sourcesText(method, measure);
      return text === undefined ? [] : [html`<li><strong>${method.method}</strong> ${text}</li>`];
    });
  const dense = model.dense?.[measure.key];
  const reference = dense === undefined ? "" : ` The dense model's loss is ${formatFigure(dense, measure.kind)}.`;
  return html`<p class="note">Accuracy lost is that of a task as it is less that of the same task with its contexts perturbed, by the same cell, in percentage points.${reference}</p>
${items.length > 0 ? html`<ul class="details">${items}</ul>` : null}
${spreadFigure(results, statistics, model, measure)}`;
}

/** "accuracy lost under typos:0.1: most with news (4.10 points), least with novels (2.00 points); 60 % of the variance is from the source, p = 0.01". */
function sourcesText({ sizes }: MethodStatistics, measure: Measure): string | undefined {
  const size = sizes.at(-1);
  const means = (size?.sources ?? [])
    .flatMap(({ source, measures }) => {
      const mean = measures[measure.key]?.mean;
      return mean == null ? [] : [{ source, mean }];
    })
    .sort((a, b) => b.mean - a.mean);
  const [most, least] = [means.at(0), means.at(-1)];
  if (size === undefined || most === undefined || least === undefined) return undefined;
  const show = ({ source, mean }: { source: string; mean: number }) =>
    `${source} (${formatLevel(mean, measure.kind)} points)`;
  if (means.length === 1) return `with ${show(most)}`;
  const { sourceShare, pValue } = size.pooled[measure.key];
  const share =
    pValue === null
      ? "too few sets to tell sources apart"
      : `${formatPercent(sourceShare)} of the variance is from the source, p ${pValue < 0.001 ? "" : "= "}${formatPValue(pValue)}`;
  return `${nameOf(measure)}: most with ${show(most)}, least with ${show(least)}; ${share}`;
}
