import { grouped } from "../study/grouped.js";
import type { SourceKnowledge, StudyResults } from "../study/results.js";
import { groupAnchor } from "./anchors.js";
import { html, type Markup } from "./markup.js";
import type { Measure } from "./measures.js";
import { countOf, formatSpread, MISSING } from "./numbers.js";
import { cellsLink, entry, table } from "./table.js";

/** What a study with `stopping` knows of each source's mean, and after how many sets. */
export function stoppingTable({ stopping = [] }: StudyResults, model: string): Markup | null {
  const rows = stopping
    .filter((source) => source.model === model)
    .map((each) => {
      const { methodLabel: method, source, size, halfWidth, measure } = each;
      const cells = groupAnchor({ model, method, source, size });
      const interval = halfWidth === null ? MISSING : inUnit(halfWidth, measure);
      return html`<tr><th scope="row">${method}</th><td class="text">${cellsLink(source, cells)}</td><td>${size}</td>
<td>${each.sets}</td>${entry(interval, halfWidth, cells)}<td>${each.notNeeded}</td><td class="text">${knowledgeText(each)}</td></tr>`;
    });
  if (rows.length === 0) return null;
  const columns = [
    ...[{ text: "method" }, { text: "source" }, "size", "sets"],
    ...["mean ±", "sets not needed", { text: "in words" }],
  ];
  return html`${table(`When the mean of a source was known: ±${wantedText(stopping[0])}`, columns, [html`<tbody>${rows}</tbody>`])}
<p class="note">The interval of each source's mean holds with 95 % at all looks at once, for normal figures of independent sets
(Wang &amp; Ramdas 2025), so that stopping at a look doesn't harm it; it is each source's own, not that of all together.</p>`;
}

/** For a terminal: how many are known, and a line a model and method. */
export function stoppingNotes({ stopping = [] }: StudyResults): string[] {
  if (stopping.length === 0) return [];
  const known = stopping.filter((source) => source.known).length;
  const spared = stopping.reduce((sum, { notNeeded }) => sum + notNeeded, 0);
  const groups = grouped(stopping, ({ model, methodLabel, size }) => `${model} ${methodLabel} n${size}`);
  return [
    `mean within ±${wantedText(stopping[0])}: ${known} of ${countOf(stopping.length, "source")} by model, method and size; ${countOf(spared, "cell")} not needed`,
    ...groups.map(([name, own]) => {
      return `${name}: ${own.map((each) => `${each.source} ${knowledgeText(each)}`).join("; ")}`;
    }),
  ];
}

/** `stopped after 4 of 10 sets: ±0.42 points`. */
export function knowledgeText({ sets, of, halfWidth, known, measure }: SourceKnowledge): string {
  const interval = halfWidth === null ? "no interval yet" : `±${inUnit(halfWidth, measure)}`;
  if (known) return `${sets < of ? "stopped" : "known"} after ${sets} of ${of} sets: ${interval}`;
  return `${sets} of ${of} sets: ${interval}, wider than wanted`;
}

function wantedText({ wanted, measure }: SourceKnowledge): string {
  return inUnit(wanted, measure);
}

function inUnit(spread: number, measure: string): string {
  const kind: Measure["kind"] = measure === "tasksMean" ? "tasksMean" : "perplexity";
  return `${formatSpread(spread, kind)}${kind === "perplexity" ? ` (${measure.replace("perplexity:", "perplexity ")})` : " points"}`;
}
