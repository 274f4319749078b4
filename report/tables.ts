import { verdictTexts } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { headlines, type Measure } from "./measures.js";
import {
  formatFigure,
  formatLevel,
  formatPercent,
  formatPValue,
  formatSpread,
  formatSummary,
  MISSING,
} from "./numbers.js";
import type { ByMeasure, MethodStatistics, ModelStatistics, SizeStatistics } from "./statistics.js";
import { heading, table } from "./table.js";
import type { Summary } from "./variance.js";

/** Sources by tasks, grouped by method, the dense model on top; of the largest set size unless told another. */
export function sourceTable(
  model: ModelStatistics,
  measures: readonly Measure[],
  { size, caption = "Mean ± standard deviation over the calibration sets" }: { size?: number; caption?: string } = {},
): Markup {
  const groups = model.methods.map((method) => {
    const chosen =
      method.sizes.find((entry) => entry.size === size) ?? (size === undefined ? method.sizes.at(-1) : undefined);
    return methodGroup(method, chosen, measures);
  });
  const dense = html`<tbody class="dense"><tr><th scope="row">dense</th>${measures.map(
    ({ key, kind }) => html`<td>${formatFigure(model.dense?.[key], kind)}</td>`,
  )}</tr></tbody>`;
  return table(caption, ["", ...measures.map(heading)], [dense, ...groups]);
}

function methodGroup(method: MethodStatistics, size: SizeStatistics | undefined, measures: readonly Measure[]): Markup {
  const title = html`<tr class="group"><th scope="rowgroup" colspan="${measures.length + 1}">${method.method}</th></tr>`;
  if (size === undefined) {
    return html`<tbody>${title}<tr><th scope="row">all sets</th><td colspan="${measures.length}">no cell finished</td></tr></tbody>`;
  }
  const sources = size.sources.map(({ source, measures: summaries }) => summaryRow(source, summaries, measures));
  const range = measures.map(({ key, kind }) => {
    const { min, max } = size.pooled[key];
    return html`<td>${formatLevel(min, kind)} … ${formatLevel(max, kind)}</td>`;
  });
  return html`<tbody>${title}${sources}${summaryRow("all sets", size.pooled, measures, "total")}
<tr class="range"><th scope="row">min … max</th>${range}</tr></tbody>`;
}

function summaryRow(name: string, summaries: ByMeasure<Summary>, measures: readonly Measure[], style = ""): Markup {
  const cells = measures.map(({ key, kind }) => {
    const summary = summaries[key];
    const left = summary?.excluded ?? 0;
    const note = left > 0 ? html`<sup title="${left} not finite, left out">†${left}</sup>` : "";
    return html`<td>${formatSummary(summary, kind)}${note}</td>`;
  });
  return html`<tr class="${style}"><th scope="row">${name}</th>${cells}</tr>`;
}

/** Does data matter more than noise? A row for each method and headline measure. */
export function noiseTable(model: ModelStatistics, measures: readonly Measure[]): Markup {
  const rows = model.methods.flatMap((method) =>
    headlines(measures).map(({ key, kind, id }) => {
      const { noise, sets, ratio, pValue, verdict } = method.noise[key];
      const pooled = method.sizes.at(-1)?.pooled[key];
      const within = pooled?.withinSources ?? null;
      return html`<tr><th scope="row">${method.method}</th><td class="text">${id}</td>
<td>${formatSpread(within, kind, sets.mean)}</td><td>${formatSpread(sets.standardDeviation, kind, sets.mean)}</td>
<td>${formatSpread(noise.standardDeviation, kind, noise.mean)} <small>(${noise.count})</small></td>
<td>${ratio === null ? MISSING : `${ratio.toFixed(1)} ×`}</td><td>${formatPValue(pValue)}</td>
<td>${formatPercent(pooled?.sourceShare ?? null)}</td>
<td class="text"><span class="chip ${verdict}">${verdictTexts[verdict]}</span></td></tr>`;
    }),
  );
  const columns = [
    { text: "method" },
    { text: "measure" },
    "sets within a source",
    "all sets",
    "noise (replicates)",
    "sets / noise",
    "p",
    "variance from source",
    { text: "verdict" },
  ];
  return table("Standard deviations over calibration sets beside those of numerical noise", columns, [
    html`<tbody>${rows}</tbody>`,
  ]);
}

/** Standard deviation over all sets of a size, by size. */
export function sizeTable(model: ModelStatistics, measures: readonly Measure[]): Markup {
  const rows = model.methods.flatMap((method) =>
    method.sizes.map(({ size, pooled }) => {
      const cells = headlines(measures).map(({ key, kind }) => html`<td>${formatSummary(pooled[key], kind)}</td>`);
      return html`<tr><th scope="row">${method.method}</th><td>${size}</td>${cells}</tr>`;
    }),
  );
  const columns = [{ text: "method" }, "sequences a set", ...headlines(measures).map(heading)];
  return table("All sets of a size: mean ± standard deviation", columns, [html`<tbody>${rows}</tbody>`]);
}

/** Paired differences between methods on the same calibration sets, of all sizes, and how accuracy goes with perplexity. */
export function differenceTable(
  { methodDifferences }: ModelStatistics,
  measures: readonly Measure[],
): Markup | undefined {
  if (methodDifferences.length === 0) return undefined;
  const rows = methodDifferences.map(({ first, second, measures: differences }) => {
    const cells = headlines(measures).map(({ key, kind }) => html`<td>${formatSummary(differences[key], kind)}</td>`);
    return html`<tr><th scope="row">${first} − ${second}</th>${cells}</tr>`;
  });
  const columns = ["methods", ...headlines(measures).map(heading)];
  return table("Paired differences on the same calibration sets: mean ± standard deviation", columns, [
    html`<tbody>${rows}</tbody>`,
  ]);
}

export function agreementTable({ methods }: ModelStatistics, measures: readonly Measure[]): Markup | undefined {
  const perplexities = measures.filter(({ kind }) => kind === "perplexity");
  const using = methods.filter(({ dataFree, sizes }) => !dataFree && sizes.length > 0);
  if (perplexities.length === 0 || using.length === 0 || !measures.some(({ kind }) => kind === "tasksMean"))
    return undefined;
  const rows = using.map(({ method, sizes }) => {
    const cells = perplexities.map(({ key }) => html`<td>${sizes.at(-1)?.agreement[key]?.toFixed(2) ?? MISSING}</td>`);
    return html`<tr><th scope="row">${method}</th>${cells}</tr>`;
  });
  const caption =
    "Spearman's rank correlation over the sets of mean accuracy with perplexity: −1 where both name the same sets as good";
  return table(caption, [{ text: "method" }, ...perplexities.map(heading)], [html`<tbody>${rows}</tbody>`]);
}
