import { cellAnchor, groupAnchor } from "./anchors.js";
import { type Disagreement, FEWEST_SETS } from "./disagreement.js";
import { html, type Markup } from "./markup.js";
import type { Measure } from "./measures.js";
import { formatLevel } from "./numbers.js";
import { cellsLink, entry, table } from "./table.js";

/** The sets that perplexity and accuracy rank most differently; undefined where none was measured by both. */
export function disagreementTable(
  model: string,
  all: readonly Disagreement[],
  measures: readonly Measure[],
): Markup | undefined {
  if (all.length === 0) return undefined;
  const rows = all.flatMap(({ method, measure, sets, cells }) => {
    const text = measures.find(({ key }) => key === measure)?.id ?? measure;
    const head = html`<th scope="row">${cellsLink(method, groupAnchor({ model, method }))}</th><td class="text">${text}</td>`;
    if (cells.length === 0) {
      const why =
        sets < FEWEST_SETS ? `${sets} sets with both figures are too few to rank` : "both rank all sets alike";
      return [html`<tr>${head}<td class="text" colspan="6">${why}</td></tr>`];
    }
    return cells.map(({ source, set, size, perplexity, accuracy, rankByPerplexity, rankByAccuracy }) => {
      const own = cellAnchor({ model, methodLabel: method, source, size, set, noise: null });
      const rank = (value: number) => entry(`${value} of ${sets}`, value, own);
      return html`<tr>${head}<td class="text">${source}</td><td>${cellsLink(String(set), own)}</td>
${entry(formatLevel(perplexity, "perplexity"), perplexity, own)}${entry(formatLevel(accuracy, "tasksMean"), accuracy, own)}
${rank(rankByPerplexity)}${rank(rankByAccuracy)}</tr>`;
    });
  });
  const columns = [
    { text: "method" },
    { text: "text" },
    { text: "source" },
    "set",
    "perplexity",
    html`mean accuracy<small>%</small>`,
    "rank by perplexity",
    "rank by accuracy",
  ];
  return table("Calibration sets that perplexity and accuracy rank most differently; 1 is the best", columns, [
    html`<tbody>${rows}</tbody>`,
  ]);
}
