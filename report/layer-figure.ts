import { groupAnchor } from "./anchors.js";
import { heatMap, heatRange, heatScale } from "./heat-map.js";
import type { LayerSensitivity, Matrix } from "./layer-sensitivity.js";
import { html, type Markup } from "./markup.js";
import { countOf, MISSING } from "./numbers.js";
import type { ModelStatistics } from "./statistics.js";
import { cellsLink, entry, table } from "./table.js";

/** What the linears lost, and where that depends on the data; undefined where no cell says so. */
export function layerSection(
  { model, methods }: ModelStatistics,
  all: readonly LayerSensitivity[],
): Markup | undefined {
  if (all.length === 0) return undefined;
  const silent = methods.filter(
    ({ method, dataFree, sizes }) => !dataFree && sizes.length > 0 && all.every((each) => each.method !== method),
  );
  return html`<h2>Sensitivity by layer</h2>
<ul class="details">${all.map((each) => html`<li><strong>${each.method}</strong> ${layerSentence(each)}</li>`)}</ul>
${mapFigure({ title: "Relative error of the linears", unit: "mean over the sets", scale: "own" }, all, ({ means }) => means)}
${mapFigure({ title: "How much it depends on the data", unit: "standard deviation over the sets in percent of the mean", scale: "shared" }, all, ({ variations }) => variations)}
${varyingTable(model, all)}
${sourceTable(model, all)}
<details><summary>Relative errors, layer by layer</summary>${all.map((each) => layerTable(model, each))}</details>
<p class="note">Relative error: tr((W − Q) H (W − Q)ᵀ) / tr(W H Wᵀ), the share of a linear's squared outputs on its calibration set that compression changed; experts of a block are taken
together. Over the sets of the largest size.${silent.length > 0 ? ` ${silent.map(({ method }) => method).join(", ")}: not known, since the method has no H, or the cells are of an earlier version.` : ""}</p>`;
}

/** "loses 1.2 % of the linears' squared outputs on average over 15 sets, most in block 29 mlp.down_proj (12 %). ..." */
export function layerSentence({ means, linears, cells, mostVarying }: LayerSensitivity): string {
  const known = means.flatMap((block, b) =>
    block.flatMap((mean, l) => (mean === null ? [] : [{ mean, place: `block ${b} ${linears[l]}` }])),
  );
  if (known.length === 0) return "no linear was reached by all sets.";
  const average = known.reduce((sum, { mean }) => sum + mean, 0) / known.length;
  const largest = known.reduce((most, each) => (each.mean > most.mean ? each : most));
  const [most] = mostVarying;
  const level = `loses ${percent(average)} of a linear's squared outputs on average over ${countOf(cells, "set")}, most in ${largest.place} (${percent(largest.mean)}).`;
  if (most === undefined) return `${level} How much that depends on the data isn't known from so few sets.`;
  const { block, linear, variation, highest, lowest } = most;
  const sources =
    highest.source === lowest.source
      ? ""
      : `: ${percent(highest.mean)} with ${highest.source}, ${percent(lowest.mean)} with ${lowest.source}`;
  return `${level} The error depends most on the data in block ${block} ${linear}, where its standard deviation over the sets is ${percent(variation)} of the mean${sources}.`;
}

interface MapWords {
  title: string;
  unit: string;
  /** Levels show each method's own pattern; what depends on the data is compared over methods, and small variations are to look small. */
  scale: "own" | "shared";
}

function mapFigure(
  { title, unit, scale }: MapWords,
  all: readonly LayerSensitivity[],
  valuesOf: (sensitivity: LayerSensitivity) => Matrix,
): Markup | null {
  const shared = heatRange(all.flatMap((each) => valuesOf(each).flat()));
  if (shared === undefined) return null;
  const panels = all.map((each) => {
    const values = valuesOf(each);
    const range = (scale === "own" ? heatRange(values.flat()) : undefined) ?? shared;
    const description = `${each.method}: ${title}, ${values.length} blocks by ${each.linears.length} linears. ${each.method} ${layerSentence(each)}`;
    return html`<div class="panel"><h4>${each.method}</h4>${heatScale(range, percent)}${heatMap({ description, rows: shortNames(each.linears), values, range })}</div>`;
  });
  const scales = scale === "own" ? "each panel has a scale of its own" : "all panels share a scale";
  return html`<figure class="card">
<figcaption><h3>${title} <small>${unit}</small></h3></figcaption>
<div class="panels">${panels}</div>
<p class="note">From left to right: the model's blocks. The stronger the colour, the larger; scales are logarithmic, and ${scales}. The figures are in the tables below.</p>
</figure>`;
}

/** The last part of a name, where that is enough to tell them apart. */
function shortNames(names: readonly string[]): string[] {
  const short = names.map((name) => name.split(".").at(-1) ?? name);
  return new Set(short).size === short.length ? short : names.map((name) => name.split(".").slice(-2).join("."));
}

function varyingTable(model: string, all: readonly LayerSensitivity[]): Markup {
  const rows = all.flatMap(({ method, size, mostVarying }) => {
    const group = groupAnchor({ model, method });
    const show = ({ source, mean }: { source: string; mean: number }) => {
      const sets = groupAnchor({ model, method, source, size });
      return html`<td class="text">${cellsLink(source, sets)}</td>${entry(percent(mean), mean, sets)}`;
    };
    return mostVarying.map(
      ({
        block,
        linear,
        mean,
        variation,
        highest,
        lowest,
      }) => html`<tr><th scope="row">${cellsLink(method, group)}</th><td>${block}</td><td class="text">${linear}</td>
${entry(percent(mean), mean, group)}${entry(percent(variation), variation, group)}${show(highest)}${show(lowest)}</tr>`,
    );
  });
  const columns = [
    { text: "method" },
    "block",
    { text: "linear" },
    "relative error",
    "± over sets, of the mean",
    { text: "largest with" },
    "the largest",
    { text: "smallest with" },
    "the smallest",
  ];
  return table("The linears whose error depends most on the data", columns, [html`<tbody>${rows}</tbody>`]);
}

function sourceTable(model: string, all: readonly LayerSensitivity[]): Markup {
  const linears = [...new Set(all.flatMap((each) => each.linears))];
  const rows = all.flatMap(({ method, size, linears: own, sources }) =>
    sources.map(({ source, means }) => {
      const sets = groupAnchor({ model, method, source, size });
      const cells = linears.map((linear) => {
        const mean = means[own.indexOf(linear)] ?? null;
        return entry(percent(mean), mean, sets);
      });
      return html`<tr><th scope="row">${method}</th><td class="text">${cellsLink(source, sets)}</td>${cells}</tr>`;
    }),
  );
  return table(
    "Relative errors by source, means over the blocks and the source's sets",
    [{ text: "method" }, { text: "source" }, ...linears],
    [html`<tbody>${rows}</tbody>`],
  );
}

function layerTable(model: string, { method, linears, means, variations }: LayerSensitivity): Markup {
  const group = groupAnchor({ model, method });
  const rows = means.map((block, b) => {
    const cells = block.map((mean, l) => {
      const variation = variations[b][l];
      return entry(html`${percent(mean)} <small>± ${percent(variation)}</small>`, { mean, variation });
    });
    return html`<tr><th scope="row">${cellsLink(`block ${b}`, group)}</th>${cells}</tr>`;
  });
  return table(
    `${method}: relative error, ± standard deviation over the sets in percent of it`,
    ["", ...linears],
    [html`<tbody>${rows}</tbody>`],
  );
}

/** Two digits and more: `0.012 %`, `3.4 %`, `120 %`. */
function percent(share: number | null): string {
  if (share === null) return MISSING;
  if (share === 0) return "0 %";
  const value = 100 * share;
  return `${value >= 10 ? value.toFixed(0) : value.toPrecision(2)} %`;
}
