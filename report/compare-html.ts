import { toNumber } from "../study/figures.js";
import { type Comparison, differenceOf } from "./compare.js";
import type { Difference } from "./differences.js";
import { document } from "./html.js";
import { html, type Markup } from "./markup.js";
import { headlines, type Measure } from "./measures.js";
import { countOf, formatFigure, formatLevel, formatSpread, MISSING } from "./numbers.js";
import type { ByMeasure } from "./statistics.js";
import { entry, heading, table } from "./table.js";
import { summaryEntry } from "./tables.js";

/** Two studies side by side, as a page of the report's looks. The same comparison gives the same bytes. */
export function renderComparison(comparison: Comparison): string {
  const { names, specification, environment, incomparable, groups, cells } = comparison;
  const [first, second] = names;
  const content = html`<header>
<p class="overline">Two calibration studies compared</p>
<h1>${first} and ${second}</h1>
<p class="meta">${countOf(cells.length, "cell")} compared · differences are those of ${second} less ${first}</p>
</header>
<main id="content">
<section><h2>What they were told otherwise</h2>
${specification.length === 0 ? html`<p class="note">Their specifications are the same.</p>` : differenceTable("Differences of the specifications", names, specification)}
${environment.length === 0 ? html`<p class="note">They were computed in the same environment.</p>` : differenceTable("Differences of the environments", names, environment)}
</section>
<section><h2>What is not compared</h2>
${incomparable.length === 0 ? html`<p class="note">All cells and evaluations are compared.</p>` : incomparableTable(comparison)}
</section>
<section><h2>Figures</h2>
${groups.length === 0 ? html`<p class="alert" role="note">No cell of the two studies is the same experiment: there are no figures to compare.</p>` : figureTables(comparison)}
</section>
</main>`;
  return document(`${first} and ${second} – calibration studies compared`, content).text;
}

function differenceTable(caption: string, names: readonly string[], differences: readonly Difference[]): Markup {
  const rows = differences.map(
    ({ path, first, second }) =>
      html`<tr><th scope="row">${path}</th><td class="text message">${shown(first)}</td><td class="text message">${shown(second)}</td></tr>`,
  );
  return table(caption, [{ text: "setting" }, ...names.map((text) => ({ text }))], [html`<tbody>${rows}</tbody>`]);
}

function shown(value: unknown): string {
  if (value === undefined) return MISSING;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function incomparableTable({ incomparable }: Comparison): Markup {
  const rows = incomparable.map(
    ({ what, why, count }) =>
      html`<tr><th scope="row">${what}</th><td class="text message">${why}</td><td>${count}</td></tr>`,
  );
  const columns = [{ text: "cells or evaluation" }, { text: "reason" }, "times"];
  return table("Cells and evaluations that are not compared", columns, [html`<tbody>${rows}</tbody>`]);
}

function figureTables(comparison: Comparison): Markup {
  const { measures, groups, cells, names } = comparison;
  const main = headlines(measures).length > 0 ? headlines(measures) : measures;
  const bothSides = main.flatMap((measure) => [
    ...names.map((name) => html`${measure.id}, ${name}`),
    html`${measure.id}, difference`,
  ]);
  const columns = [{ text: "model" }, { text: "method" }, { text: "source" }, "size", "pairs"];
  const place = (group: Comparison["groups"][number]) =>
    html`<th scope="row">${group.model}</th><td class="text">${group.method}</td><td class="text">${group.source ?? MISSING}</td><td>${group.size ?? MISSING}</td><td>${group.pairs}</td>`;
  const sides = groups.map((group) => {
    const entries = main.map(({ key, kind }) => {
      const { first, second, difference } = group.measures[key];
      return html`${summaryEntry(first, kind)}${summaryEntry(second, kind)}${summaryEntry(difference, kind)}`;
    });
    return html`<tr>${place(group)}${entries}</tr>`;
  });
  const all = groups.map((group) => {
    const entries = measures.map(({ key, kind }) => summaryEntry(group.measures[key].difference, kind));
    return html`<tr>${place(group)}${entries}</tr>`;
  });
  const list = cells.map(
    ({ name, measures: figures }) =>
      html`<tr><th scope="row">${name}</th>${main.map((measure) => sideEntries(figures, measure))}</tr>`,
  );
  return html`${table("Mean ± standard deviation over the compared sets", [...columns, ...bothSides], [html`<tbody>${sides}</tbody>`])}
${table("All measures: paired differences, mean ± standard deviation", [...columns, ...measures.map(heading)], [html`<tbody>${all}</tbody>`])}
${table("Cell by cell", [{ text: "cell" }, ...bothSides], [html`<tbody>${list}</tbody>`])}`;
}

function sideEntries(figures: Comparison["cells"][number]["measures"], { key, kind }: Measure): Markup {
  const pair = (figures as ByMeasure<Comparison["cells"][number]["measures"][string] | undefined>)[key];
  if (pair === undefined) return html`<td>${MISSING}</td><td>${MISSING}</td><td>${MISSING}</td>`;
  const difference = differenceOf(pair);
  const text = Number.isFinite(difference)
    ? formatSpread(difference, kind, toNumber(pair.first))
    : formatLevel(difference, kind);
  return html`${entry(formatFigure(pair.first, kind), toNumber(pair.first))}${entry(formatFigure(pair.second, kind), toNumber(pair.second))}${entry(text, difference)}`;
}
