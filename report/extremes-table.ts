import type { Extremes, SetFigure } from "./extremes.js";
import { html, type Markup } from "./markup.js";
import type { Measure } from "./measures.js";
import { formatLevel, formatSpread } from "./numbers.js";
import { table } from "./table.js";

/** Minimum and maximum of each task and text, and the sets that gave them. */
export function extremesTable(all: readonly Extremes[], measures: readonly Measure[]): Markup {
  const rows = all.flatMap(({ method, measure: key, least, most }) => {
    const measure = measures.find((each) => each.key === key);
    if (measure === undefined) return [];
    const { id, kind } = measure;
    const show = ({ source, set, value }: SetFigure) =>
      html`<td>${formatLevel(value, kind)}</td><td class="text"><small>${source}, set ${set}</small></td>`;
    return [
      html`<tr><th scope="row">${method}</th><td class="text">${id}</td>${show(least)}${show(most)}<td>${formatSpread(most.value - least.value, kind, most.value)}</td></tr>`,
    ];
  });
  const columns = [
    { text: "method" },
    { text: "measure" },
    "minimum",
    { text: "of" },
    "maximum",
    { text: "of" },
    "range",
  ];
  return table("Least and largest figure over all sets, accuracies in percent", columns, [
    html`<tbody>${rows}</tbody>`,
  ]);
}
