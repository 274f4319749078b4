import { cellAnchor, groupAnchor } from "./anchors.js";
import type { Extremes, SetFigure } from "./extremes.js";
import { html, type Markup } from "./markup.js";
import type { Measure } from "./measures.js";
import { formatLevel, formatSpread } from "./numbers.js";
import { cellsLink, entry, table } from "./table.js";

/** Minimum and maximum of each task and text, and the sets that gave them. */
export function extremesTable(model: string, all: readonly Extremes[], measures: readonly Measure[]): Markup {
  const rows = all.flatMap(({ method, measure: key, least, most }) => {
    const measure = measures.find((each) => each.key === key);
    if (measure === undefined) return [];
    const { id, kind } = measure;
    const group = groupAnchor({ model, method });
    const show = ({ source, set, size, value }: SetFigure) => {
      const own = cellAnchor({ model, methodLabel: method, source, size, set, noise: null });
      return html`${entry(formatLevel(value, kind), value, own, false)}<td class="text"><small>${source}, set ${set}</small></td>`;
    };
    const range = most.value - least.value;
    return [
      html`<tr><th scope="row">${cellsLink(method, group)}</th><td class="text">${id}</td>${show(least)}${show(most)}${entry(formatSpread(range, kind, most.value), range, group)}</tr>`,
    ];
  });
  const columns = [
    { text: "method" },
    { text: "measure" },
    "minimum",
    { text: "set with the minimum" },
    "maximum",
    { text: "set with the maximum" },
    "range",
  ];
  return table("Least and largest figure over all sets, accuracies in percent", columns, [
    html`<tbody>${rows}</tbody>`,
  ]);
}
