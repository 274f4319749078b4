import { type Disagreement, FEWEST_SETS } from "./disagreement.js";
import { html, type Markup } from "./markup.js";
import type { Measure } from "./measures.js";
import { formatLevel } from "./numbers.js";
import { table } from "./table.js";

/** The sets that perplexity and accuracy rank most differently; undefined where none was measured by both. */
export function disagreementTable(all: readonly Disagreement[], measures: readonly Measure[]): Markup | undefined {
  if (all.length === 0) return undefined;
  const rows = all.flatMap(({ method, measure, sets, cells }) => {
    const text = measures.find(({ key }) => key === measure)?.id ?? measure;
    const head = html`<th scope="row">${method}</th><td class="text">${text}</td>`;
    if (cells.length === 0) {
      const why =
        sets < FEWEST_SETS ? `${sets} sets with both figures are too few to rank` : "both rank all sets alike";
      return [html`<tr>${head}<td class="text" colspan="6">${why}</td></tr>`];
    }
    return cells.map(
      (cell) => html`<tr>${head}<td class="text">${cell.source}</td><td>${cell.set}</td>
<td>${formatLevel(cell.perplexity, "perplexity")}</td><td>${formatLevel(cell.accuracy, "tasksMean")}</td>
<td>${cell.rankByPerplexity} of ${sets}</td><td>${cell.rankByAccuracy} of ${sets}</td></tr>`,
    );
  });
  const columns = [
    { text: "method" },
    { text: "text" },
    { text: "source" },
    "set",
    "perplexity",
    "mean accuracy, %",
    "rank by perplexity",
    "rank by accuracy",
  ];
  return table("Calibration sets that perplexity and accuracy rank most differently; 1 is the best", columns, [
    html`<tbody>${rows}</tbody>`,
  ]);
}
