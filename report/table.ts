import { html, Markup } from "./markup.js";
import type { Measure } from "./measures.js";

/** A measure as the heading of a column. */
export function heading({ id, kind }: Measure): Markup {
  const units = { perplexity: "perplexity", lost: "points lost", lostMean: "points lost" } as const;
  return html`${id}<small>${kind in units ? units[kind as keyof typeof units] : "%"}</small>`;
}

/** A heading over numbers, or over text, which is aligned left. */
export type Column = string | Markup | { text: string };

/** Scrolls sideways inside its frame where the page is narrower. */
export function table(caption: string, columns: readonly Column[], bodies: readonly Markup[]): Markup {
  const heads = columns.map((column) => {
    if (column === "") return html`<td></td>`;
    if (typeof column === "string" || column instanceof Markup) return html`<th scope="col">${column}</th>`;
    return html`<th scope="col" class="text">${column.text}</th>`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption><span>${caption}</span></caption>
<thead><tr>${heads}</tr></thead>${bodies}</table></div>`;
}
