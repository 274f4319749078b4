import type { InspectionFigures, SourceInspection } from "../../study/inspection.js";
import { html, type Markup } from "../markup.js";
import { formatPercent, MISSING } from "../numbers.js";
import { type Column, table } from "../table.js";

const languageNames = new Intl.DisplayNames(["en"], { type: "language" });

/** `English`, by its code; `undetermined` for `und`. */
export function languageName(code: string): string {
  return code === "und" ? "undetermined" : (languageNames.of(code) ?? code);
}

/** `English 127, German 1`. */
export function languagesText({ languages }: InspectionFigures): string {
  return languages.map(({ language, sequences }) => `${languageName(language)} ${count(sequences)}`).join(", ");
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** Shares below one in a hundred with their first digit, so that 0 % is none. */
export function share(value: number): string {
  return value === 0 || value >= 0.01 ? formatPercent(value) : `${(100 * value).toPrecision(1)} %`;
}

/** Columns that a set and a source have in common, and their cells. */
export const figureColumns: readonly Column[] = [
  "sequences",
  "tokens",
  "documents",
  { text: "languages" },
  html`near-duplicates<small>set · source · others</small>`,
  html`vocabulary<small>used</small>`,
  html`repeated runs<small>of tokens</small>`,
  html`links or tags<small>sequences</small>`,
];

export function figureCells(figures: InspectionFigures): Markup {
  const { sequences, tokens, documents, duplicates, vocabulary, repeated, markup } = figures;
  return html`<td>${count(sequences)}</td><td>${count(tokens)}</td><td>${documents === null ? MISSING : count(documents)}</td>
<td class="text">${languagesText(figures)}</td><td>${count(duplicates.inside)} · ${count(duplicates.across)} · ${count(duplicates.foreign)}</td>
<td>${(100 * vocabulary).toFixed(1)} %</td><td>${share(repeated)}</td><td>${count(markup)}</td>`;
}

/** How far the sources' token frequencies are apart; on the diagonal two sets of one source. Nothing where there is one source. */
export function distanceTable(sources: readonly SourceInspection[]): Markup | null {
  if (sources.length < 2) return null;
  const rows = sources.map(({ source, distances, apart }, i) => {
    const cells = distances.map((distance, j) => (i === j ? apart : distance));
    return html`<tr><th scope="row">${source}</th>${cells.map((value) => html`<td>${value === null ? MISSING : value.toFixed(3)}</td>`)}</tr>`;
  });
  const columns = ["", ...sources.map(({ source }) => source)];
  return table("Distance of token frequencies", columns, [html`<tbody>${rows}</tbody>`]);
}

/** What the tables' figures mean. */
export function howToRead(sources: readonly SourceInspection[]): Markup {
  const distances =
    sources.length < 2
      ? null
      : html`<p class="note">Distance: square root of the Jensen-Shannon divergence, from 0 (the same) to 1 (no token in common), between all sets of two sources. On the
diagonal, the mean between two sets of one source: less text, which is further apart for that alone.</p>`;
  return html`<p class="note">Near-duplicates: sequences that share half of their runs of 8 tokens or more with another one in the same set, in another
set of the source, or in another source. Repeated runs: tokens in runs of 16 that stand in three documents or more. Languages: of most of a sequence's beginning.
The share of the vocabulary grows with the text: compare equal sizes.</p>${distances}`;
}
