import { grouped } from "../study/grouped.js";
import type { CellCoordinates, CellResult, StudyResults } from "../study/results.js";
import { type CellGroup, cellAnchor, groupAnchor } from "./anchors.js";
import { html, type Markup, trusted } from "./markup.js";
import { type Measure, type Reader, readerOf, unperturbed } from "./measures.js";
import { formatLevel, formatPercent, formatSeconds, MISSING } from "./numbers.js";
import { entry, heading, table } from "./table.js";

/** A cell of the study, whatever became of it. */
interface ListedCell {
  place: CellCoordinates;
  state: "finished" | "failed" | "skipped" | "pending";
  result?: CellResult;
}

/**
 * Every cell of the study with its figures, digests and the address of its stored result: what all other figures of the page
 * are made of, and link to. Cells stand in groups of one source and size, these by method.
 */
export function cellTable(results: StudyResults, measures: readonly Measure[]): Markup | undefined {
  const cells = listed(results);
  if (cells.length === 0) return undefined;
  const shown = [...unperturbed(measures), ...measures.filter(({ kind }) => kind === "perturbed")];
  const readers = shown.map((measure) => ({ measure, read: readerOf(results, measures, measure) }));
  const columns = [
    ...["model", "method", "source"].map((text) => ({ text })),
    ...["size", "set", "noise"],
    ...shown.map(heading),
    ...["layer error", "bits per weight", "zeros", "compressing", "evaluating"],
    ...["calibration set (SHA-256)", "stored result"].map((text) => ({ text })),
  ];
  const bodies = grouped(cells, ({ place: { model, methodLabel: method } }) => groupAnchor({ model, method })).flatMap(
    ([method, own]) => [
      html`<tbody id="${method}"><tr class="group"><th scope="rowgroup" colspan="${columns.length}">${own[0].place.model} · ${own[0].place.methodLabel}</th></tr></tbody>`,
      ...grouped(own, ({ place }) => groupAnchor(groupOf(place))).map(([group, some]) => {
        const id = group === method ? null : html` id="${group}"`;
        return html`<tbody${id} data-method="${method}">${some.map((cell) => cellRow(cell, readers))}</tbody>`;
      }),
    ],
  );
  return withoutEndTags(table(`All ${cells.length} cells`, columns, bodies, { id: "cells" }));
}

/** HTML needs none of these, and a study of 1,800 cells has 50,000 of them. */
function withoutEndTags({ text }: Markup): Markup {
  return trusted(text.replace(/<\/t[dr]>\s*/g, "").replace(/( data-value=)"([-.\w+]+)"/g, "$1$2"));
}

/** The dense model is a method of its own; noise replicates stand apart from the sets. */
function groupOf({ model, methodLabel: method, source, size, noise }: CellCoordinates): CellGroup {
  if (source === null) return { model, method };
  return noise === null ? { model, method, source, size } : { model, method, noise: true };
}

function listed({ cells, failed, skipped, pending = [] }: StudyResults): ListedCell[] {
  return [
    ...cells.map((result) => ({ place: result, state: "finished" as const, result })),
    ...failed.map((place) => ({ place, state: "failed" as const })),
    ...skipped.map((place) => ({ place, state: "skipped" as const })),
    ...pending.map((place) => ({ place, state: "pending" as const })),
  ];
}

function cellRow({ place, state, result }: ListedCell, readers: readonly { measure: Measure; read: Reader }[]): Markup {
  const { model, methodLabel, source, size, set, noise } = place;
  const names = html`<th scope="row">${model}</th><td>${methodLabel}</td><td>${source ?? MISSING}</td><td>${size ?? MISSING}</td><td>${set ?? MISSING}</td><td>${noise ?? MISSING}</td>`;
  if (result === undefined) {
    return html`<tr id="${cellAnchor(place)}" class="${state}">${names}<td colspan="${readers.length + 7}">${stateTexts[state]}</td></tr>
`;
  }
  const figures = readers.map(({ measure: { kind }, read }) => {
    const value = read(result);
    return entry(formatLevel(value, kind), value);
  });
  const { error, bitsPerWeight, sparsity, seconds, calibrationDigest, stored } = result;
  return html`<tr id="${cellAnchor(place)}">${names}${figures}${entry(error?.toPrecision(4) ?? MISSING, error)}${entry(bitsPerWeight?.toFixed(2) ?? MISSING, bitsPerWeight)}${entry(formatPercent(sparsity), sparsity)}${entry(formatSeconds(seconds.compress), seconds.compress)}${entry(formatSeconds(seconds.evaluate), seconds.evaluate)}<td>${calibrationDigest ?? MISSING}</td><td>${stored ?? MISSING}</td></tr>
`;
}

const stateTexts = { finished: "", failed: "failed", skipped: "skipped", pending: "not computed yet" } as const;
