import type { StudyResults } from "../../study/results.js";
import { html, type Markup } from "../markup.js";
import { table } from "../table.js";
import { count, distanceTable, figureCells, figureColumns, howToRead } from "./figures.js";

/** What a study's calibration sets hold, a row a source; undefined where none is drawn. */
export function inspectionSection(results: StudyResults): Markup | undefined {
  const { inspection = [], contamination, name } = results;
  if (inspection.length === 0) return undefined;
  const rows = inspection.map((figures) => {
    const found = contamination.filter(({ source }) => source === figures.source);
    const records = found.reduce((sum, each) => sum + each.records, 0);
    return html`<tr><th scope="row">${figures.source}</th><td>${figures.sets}</td>${figureCells(figures)}<td>${count(records)}</td></tr>`;
  });
  const columns = [{ text: "source" }, "sets", ...figureColumns, html`records<small>of evaluation</small>`];
  return html`<section><h2>Inspection of calibration sets</h2>
${table("What the sets hold, by source", columns, [html`<tbody>${rows}</tbody>`])}
${distanceTable(inspection)}
${howToRead(inspection)}
<p class="note">The sequences themselves, with what is to be said of each: <code>touchstone study inspect ${name}</code>.</p></section>`;
}
