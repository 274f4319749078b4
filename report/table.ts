import { html, Markup, trusted } from "./markup.js";
import type { Measure } from "./measures.js";
import { MISSING } from "./numbers.js";
import { parquetLink } from "./table-parquet.js";
import { columnName, recordsOf } from "./table-records.js";

/** A measure as the heading of a column. */
export function heading({ id, kind }: Measure): Markup {
  const units = { perplexity: "perplexity", lost: "points lost", lostMean: "points lost" } as const;
  return html`${id}<small>${kind in units ? units[kind as keyof typeof units] : "%"}</small>`;
}

/** A heading over numbers, or over text, which is aligned left. */
export type Column = string | Markup | { text: string };

export interface TableOptions {
  id?: string;
}

/**
 * Scrolls sideways inside its frame where the page is narrower. Below it stand its downloads: what its entries hold in full
 * precision, as Parquet; the page's script adds CSV and LaTeX, sorting and, for long tables, a filter.
 */
export function table(
  caption: string,
  columns: readonly Column[],
  bodies: readonly Markup[],
  { id }: TableOptions = {},
): Markup {
  const names = columns.map(columnName);
  const heads = columns.map((column, i) => {
    if (column === "") return html`<td data-name="${names[i]}"></td>`;
    const isText = typeof column !== "string" && !(column instanceof Markup);
    return html`<th scope="col" data-name="${names[i]}"${isText ? trusted(' class="text"') : null}>${isText ? column.text : column}</th>`;
  });
  const link = parquetLink(caption, recordsOf(names, bodies));
  return html`<div class="table"${id === undefined ? null : html` id="${id}"`}><div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption><span>${caption}</span></caption>
<thead><tr>${heads}</tr></thead>${bodies}</table></div>
${link}</div>`;
}

/** What an entry's text was rounded from, by name; without a name where it is but one. */
export type Figures = number | null | undefined | Readonly<Record<string, number | null | undefined>>;

/**
 * An entry that shows rounded figures.
 * @param figures in full precision: what the table is sorted by, and what is downloaded
 * @param anchor of the cells behind it
 * @param isRepeated the row's heading has a link to them for the keyboard
 */
export function entry(text: Markup | string, figures: Figures, anchor?: string, isRepeated = true): Markup {
  const named = typeof figures === "object" && figures !== null ? figures : { value: figures };
  const data = Object.entries(named).flatMap(([name, figure]) =>
    figure === null || figure === undefined ? [] : [html` data-${name}="${spell(figure)}"`],
  );
  return html`<td${data}>${text === MISSING || anchor === undefined ? text : cellsLink(text, anchor, isRepeated)}</td>`;
}

/** @param isRepeated the row's heading has such a link for the keyboard */
export function cellsLink(text: Markup | string, anchor: string, isRepeated = false): Markup {
  return html`<a href="#${anchor}"${isRepeated ? trusted(' tabindex="-1"') : null}>${text}</a>`;
}

function spell(figure: number): string {
  if (Number.isFinite(figure)) return String(figure);
  return Number.isNaN(figure) ? "nan" : figure > 0 ? "inf" : "-inf";
}
