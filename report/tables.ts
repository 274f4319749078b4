import { toNumber } from "../study/figures.js";
import { groupAnchor } from "./anchors.js";
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
import { cellsLink, entry, heading, table } from "./table.js";
import type { Summary } from "./variance.js";

/** Sources by tasks, grouped by method, the dense model on top; of the largest set size unless told another. */
export function sourceTable(
  model: ModelStatistics,
  measures: readonly Measure[],
  { size, caption = "Mean ± standard deviation over the calibration sets" }: { size?: number; caption?: string } = {},
): Markup {
  const groups = model.methods.map((method) => {
    const chosen =
      method.sizes.find((each) => each.size === size) ?? (size === undefined ? method.sizes.at(-1) : undefined);
    return methodGroup(model.model, method, chosen, measures);
  });
  const anchor = groupAnchor({ model: model.model, method: "dense" });
  const figures = measures.map(({ key, kind }) =>
    entry(formatFigure(model.dense?.[key], kind), { mean: toNumber(model.dense?.[key]) }, anchor),
  );
  const dense = html`<tbody class="dense"><tr><th scope="row">${model.dense === null ? "dense" : cellsLink("dense", anchor)}</th>${figures}</tr></tbody>`;
  return table(caption, ["", ...measures.map(heading)], [dense, ...groups]);
}

function methodGroup(
  model: string,
  method: MethodStatistics,
  size: SizeStatistics | undefined,
  measures: readonly Measure[],
): Markup {
  const title = html`<tr class="group"><th scope="rowgroup" colspan="${measures.length + 1}">${method.method}</th></tr>`;
  const pending = pendingRows(method, size?.size, measures.length);
  if (size === undefined) {
    const none = html`<tr><th scope="row">all sets</th><td colspan="${measures.length}">no cell finished</td></tr>`;
    return html`<tbody>${title}${pending.length > 0 ? pending : none}</tbody>`;
  }
  const all = groupAnchor({ model, method: method.method });
  const sources = size.sources.map(({ source, measures: summaries }) => {
    const anchor = groupAnchor({ model, method: method.method, source, size: size.size });
    return html`<tr>${summaryRow(source, summaries, measures, anchor)}</tr>`;
  });
  const range = measures.map(({ key, kind }) => {
    const { min, max } = size.pooled[key];
    return entry(`${formatLevel(min, kind)} … ${formatLevel(max, kind)}`, { min, max }, all);
  });
  return html`<tbody>${title}${sources}${pending}<tr class="total">${summaryRow("all sets", size.pooled, measures, all)}</tr>
<tr class="range"><th scope="row">min … max</th>${range}</tr></tbody>`;
}

/** What is still to come, by source. */
function pendingRows({ pending }: MethodStatistics, size: number | undefined, columns: number): Markup[] {
  const wanted = size ?? Math.max(...pending.map((each) => each.size));
  return pending.flatMap(({ source, done, total, ...each }) =>
    each.size === wanted
      ? [
          html`<tr class="pending"><th scope="row">${source}</th><td colspan="${columns}">${done} of ${total} sets so far</td></tr>`,
        ]
      : [],
  );
}

function summaryRow(name: string, summaries: ByMeasure<Summary>, measures: readonly Measure[], anchor: string): Markup {
  const entries = measures.map(({ key, kind }) => summaryEntry(summaries[key], kind, anchor));
  return html`<th scope="row">${cellsLink(name, anchor)}</th>${entries}`;
}

/** Mean and standard deviation over sets, and how many figures were left out. */
export function summaryEntry(summary: Summary | undefined, kind: Measure["kind"], anchor?: string): Markup {
  const left = summary?.excluded ?? 0;
  const note = html`<sup title="${left} not finite, left out">†${left}</sup>`;
  const text = formatSummary(summary, kind);
  const figures = { mean: summary?.mean, deviation: summary?.standardDeviation };
  return entry(left > 0 ? html`${text}${note}` : text, figures, anchor);
}

/** Does data matter more than noise? A row for each method and headline measure. */
export function noiseTable({ model, methods }: ModelStatistics, measures: readonly Measure[]): Markup {
  const rows = methods.flatMap((method) =>
    headlines(measures).map(({ key, kind, id }) => {
      const { noise, sets, ratio, pValue, verdict } = method.noise[key];
      const pooled = method.sizes.at(-1)?.pooled[key];
      const [within, share] = [pooled?.withinSources ?? null, pooled?.sourceShare ?? null];
      const all = groupAnchor({ model, method: method.method });
      const replicates = groupAnchor({ model, method: method.method, noise: true });
      const floor = html`${formatSpread(noise.standardDeviation, kind, noise.mean)} <small>(${noise.count})</small>`;
      return html`<tr><th scope="row">${cellsLink(method.method, all)}</th><td class="text">${id}</td>
${entry(formatSpread(within, kind, sets.mean), within, all)}${entry(formatSpread(sets.standardDeviation, kind, sets.mean), sets.standardDeviation, all)}
${entry(floor, { value: noise.standardDeviation, replicates: noise.count }, noise.count > 0 ? replicates : undefined)}
${entry(ratio === null ? MISSING : `${ratio.toFixed(1)} ×`, ratio)}${entry(formatPValue(pValue), pValue)}
${entry(formatPercent(share), share)}
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
export function sizeTable({ model, methods }: ModelStatistics, measures: readonly Measure[]): Markup {
  const rows = methods.flatMap((method) =>
    method.sizes.map(({ size, pooled }) => {
      const anchor = groupAnchor({ model, method: method.method });
      const cells = headlines(measures).map(({ key, kind }) => summaryEntry(pooled[key], kind, anchor));
      return html`<tr><th scope="row">${cellsLink(method.method, anchor)}</th><td>${size}</td>${cells}</tr>`;
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
    const cells = headlines(measures).map(({ key, kind }) => summaryEntry(differences[key], kind));
    return html`<tr><th scope="row">${first} − ${second}</th>${cells}</tr>`;
  });
  const columns = ["methods", ...headlines(measures).map(heading)];
  return table("Paired differences on the same calibration sets: mean ± standard deviation", columns, [
    html`<tbody>${rows}</tbody>`,
  ]);
}

export function agreementTable({ model, methods }: ModelStatistics, measures: readonly Measure[]): Markup | undefined {
  const perplexities = measures.filter(({ kind }) => kind === "perplexity");
  const using = methods.filter(({ dataFree, sizes }) => !dataFree && sizes.length > 0);
  if (perplexities.length === 0 || using.length === 0 || !measures.some(({ kind }) => kind === "tasksMean"))
    return undefined;
  const rows = using.map(({ method, sizes }) => {
    const anchor = groupAnchor({ model, method });
    const cells = perplexities.map(({ key }) => {
      const correlation = sizes.at(-1)?.agreement[key] ?? null;
      return entry(correlation?.toFixed(2) ?? MISSING, correlation, anchor);
    });
    return html`<tr><th scope="row">${cellsLink(method, anchor)}</th>${cells}</tr>`;
  });
  const caption =
    "Spearman's rank correlation over the sets of mean accuracy with perplexity: −1 where both name the same sets as good";
  return table(caption, [{ text: "method" }, ...perplexities.map(heading)], [html`<tbody>${rows}</tbody>`]);
}
