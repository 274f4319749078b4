import { cellName } from "../study/names.js";
import type { FailedCell, StudyResults } from "../study/results.js";
import { cellAnchor, groupAnchor } from "./anchors.js";
import { becameTexts } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { formatPercent, formatSeconds, MISSING } from "./numbers.js";
import type { ModelStatistics } from "./statistics.js";
import { cellsLink, entry, table } from "./table.js";
import { summarize } from "./variance.js";

export function nullControlTable(models: readonly ModelStatistics[]): Markup | undefined {
  const rows = models.flatMap(({ model, methods }) =>
    methods.flatMap(({ method, nullControl }) => {
      if (nullControl === null) return [];
      const { verdict, cells, spread, spreading } = nullControl;
      const words = { pass: "pass: exactly equal", fail: "FAIL", unmeasured: "not measured: fewer than two cells" };
      const measured = spread === null ? "finite for some sets only" : spread;
      return [
        html`<tr><th scope="row">${model}</th><td class="text">${cellsLink(method, groupAnchor({ model, method }))}</td><td>${cells}</td><td>${measured}</td>
<td class="text"><span class="chip ${verdict}">${words[verdict]}</span> ${spreading.slice(0, 6).join(", ")}</td></tr>`,
      ];
    }),
  );
  if (rows.length === 0) return undefined;
  return table(
    "Methods that look at no data",
    ["model", { text: "method" }, "cells", "largest spread", { text: "verdict" }],
    [html`<tbody>${rows}</tbody>`],
  );
}

/** What was made: storage, layer error and time of each method, means over its cells. */
export function costTable({ cells }: StudyResults, { model, methods }: ModelStatistics): Markup {
  const rows = methods.map(({ method }) => {
    const own = cells.filter((cell) => cell.model === model && cell.methodLabel === method);
    const anchor = groupAnchor({ model, method });
    const show = (values: (number | null)[], format: (value: number) => string) => {
      const { mean } = summarize(values.filter((value) => value !== null));
      return entry(mean === null ? MISSING : format(mean), mean, anchor);
    };
    const seconds = (part: "compress" | "evaluate") => own.map((cell) => cell.seconds[part]);
    const bits = show(
      own.map((cell) => cell.bitsPerWeight),
      (mean) => mean.toFixed(2),
    );
    const zeros = show(
      own.map((cell) => cell.sparsity),
      formatPercent,
    );
    const error = show(
      own.map((cell) => cell.error),
      (mean) => mean.toPrecision(4),
    );
    return html`<tr><th scope="row">${cellsLink(method, anchor)}</th><td>${own.length}</td>
${bits}${zeros}${error}${show(seconds("compress"), formatSeconds)}${show(seconds("evaluate"), formatSeconds)}</tr>`;
  });
  const columns = [{ text: "method" }, "cells", "bits per weight", "zeros", "layer error", "compressing", "evaluating"];
  return table(
    "What compression made of the linear layers, and the time it took: means over a method's cells",
    columns,
    [html`<tbody>${rows}</tbody>`],
  );
}

export function failedTable({ failed }: StudyResults): Markup {
  const rows = failed.map(
    (
      cell,
    ) => html`<tr><th scope="row">${cell.model}</th><td class="text">${cell.methodLabel}</td><td class="text">${cell.source ?? MISSING}</td>
<td>${cell.size ?? MISSING}</td><td>${cell.set ?? MISSING}</td><td>${cell.noise ?? MISSING}</td><td class="text message"><strong>${cell.errorType}</strong>: ${cell.message}${origin(cell)}</td></tr>`,
  );
  return table(
    "Cells that failed",
    ["model", { text: "method" }, { text: "source" }, "size", "set", "noise", { text: "error" }],
    [html`<tbody>${rows}</tbody>`],
  );
}

/** Where a cell failed: step, worker, and what the compute process wrote last. */
function origin({ at, worker, log }: FailedCell): Markup | null {
  const places = [...(at === null ? [] : [at]), ...(worker === null ? [] : [worker])];
  if (places.length + log.length === 0) return null;
  const lines =
    log.length === 0 ? null : html`<details><summary>last lines</summary><pre>${log.join("\n")}</pre></details>`;
  return html` <small>(${places.join(", ")})</small>${lines}`;
}

export function skippedTable({ skipped }: StudyResults): Markup | undefined {
  if (skipped.length === 0) return undefined;
  const rows = skipped.map(
    (cell) =>
      html`<tr><th scope="row">${cellsLink(cellName(cell), cellAnchor(cell))}</th><td class="text message">${cell.reason}</td></tr>`,
  );
  return table("Cells that were skipped", [{ text: "cell" }, { text: "reason" }], [html`<tbody>${rows}</tbody>`]);
}

/** The linears whose inputs no calibration token reached, a row a cell. */
export function unseenTable({ cells }: StudyResults): Markup | undefined {
  const rows = cells.flatMap(({ unseen = [], ...cell }) => {
    if (unseen.length === 0) return [];
    const names = unseen.map(({ block, name, became }) => `block ${block} ${name}: ${becameTexts[became]}`);
    return [
      html`<tr><th scope="row">${cell.model}</th><td class="text">${cell.methodLabel}</td><td class="text">${cell.source ?? MISSING}</td>
<td>${cell.size ?? MISSING}</td><td>${cell.set ?? MISSING}</td><td>${cell.noise ?? MISSING}</td>${entry(String(unseen.length), unseen.length, cellAnchor(cell))}<td class="text message">${names.join("; ")}</td></tr>`,
    ];
  });
  if (rows.length === 0) return undefined;
  return table(
    "Linears that no calibration token reached",
    [
      "model",
      { text: "method" },
      { text: "source" },
      "size",
      "set",
      "noise",
      "linears",
      { text: "what became of them" },
    ],
    [html`<tbody>${rows}</tbody>`],
  );
}

export function contaminationTable({ contamination }: StudyResults): Markup {
  const rows = contamination.map(
    ({ source, set, task, records }) =>
      html`<tr><th scope="row">${source}</th><td>${set}</td><td class="text">${task}</td><td>${records}</td></tr>`,
  );
  return table(
    "Evaluation records found in calibration sets",
    ["source", "set", { text: "task" }, "records"],
    [html`<tbody>${rows}</tbody>`],
  );
}
