import { groupAnchor } from "./anchors.js";
import { type SeriesLook, sizeChart } from "./chart.js";
import { nameOf } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { headlines, type Measure } from "./measures.js";
import { FEWEST_SIZES, type MethodDispersion, type ModelSizeStatistics } from "./model-size.js";
import { countOf, formatPValue, listOf, MISSING } from "./numbers.js";
import { legend } from "./panels.js";
import { entry, table } from "./table.js";

const SIGNIFICANCE = 0.05;

/** Whether larger models depend less on their data, a figure a measure with a panel for each family; undefined where none has enough sizes. */
export function modelSizeSection(
  families: readonly ModelSizeStatistics[],
  measures: readonly Measure[],
): Markup | undefined {
  if (families.length === 0) return undefined;
  return html`<section><h2>Dispersion against model size</h2>
<ul class="details">${families.flatMap((family) => headlines(measures).map((measure) => html`<li>${trendSentence(family, measure)}</li>`))}</ul>
${headlines(measures).map((measure) => dispersionFigure(families, measure))}
${families.map((family) => dispersionTable(family, measures))}
<p class="note">Standard deviations over all calibration sets of the largest size; those of perplexities in percent of their mean, as larger models have lower ones. Families
are models whose ids differ in their size alone, with ${FEWEST_SIZES} sizes or more. ρ is Spearman's rank correlation of the standard deviation with the number of parameters, p that of
an order by chance (two-sided; exact for fewer than eight models, unadjusted for the number of comparisons). Numerical noise is part of each standard deviation.</p></section>`;
}

/** "llama, mean accuracy: larger models are more robust with gptq (ρ = −1.00, p = 0.02); no order that chance doesn't give with wanda (…)." */
export function trendSentence({ family, models, methods }: ModelSizeStatistics, measure: Measure): string {
  const own = methods.filter((each) => each.measure === measure.key);
  const show = ({ method, agreement: { correlation, pValue } }: MethodDispersion) =>
    `${method} (ρ = ${signed(correlation)}, p ${pValue !== null && pValue < 0.001 ? "" : "= "}${formatPValue(pValue)})`;
  const groups = [
    [
      "larger models are more robust with",
      own.filter((each) => isClear(each) && (each.agreement.correlation ?? 0) < 0),
    ],
    [
      "larger models are less robust with",
      own.filter((each) => isClear(each) && (each.agreement.correlation ?? 0) > 0),
    ],
    [
      "larger models are not shown to be more or less robust with",
      own.filter((each) => !isClear(each) && each.agreement.correlation !== null),
    ],
  ] as const;
  const parts = groups
    .filter(([, some]) => some.length > 0)
    .map(([words, some]) => `${words} ${listOf(some.map(show))}`);
  const missing = own.filter(({ agreement }) => agreement.correlation === null).map(({ method }) => method);
  if (missing.length > 0) parts.push(`fewer than three models have a spread that differs with ${listOf(missing)}`);
  return `${family}, ${countOf(models.length, "model")}, ${nameOf(measure)}: ${parts.join("; ")}.`;
}

function isClear({ agreement: { pValue } }: MethodDispersion): boolean {
  return pValue !== null && pValue < SIGNIFICANCE;
}

function dispersionFigure(families: readonly ModelSizeStatistics[], measure: Measure): Markup {
  const labels = [...new Set(families.flatMap(({ methods }) => methods.map(({ method }) => method)))];
  const panels = families.map(({ family, models, methods }) => {
    const sizes = models.map((_, i) => i);
    const lines = methods
      .filter((each) => each.measure === measure.key)
      .map(({ method, spreads }) => {
        const values = spreads.map((spread) => (spread === null ? null : 100 * spread));
        const look: SeriesLook = labels.indexOf(method);
        return { look, means: values, dots: sizes.map((size) => ({ size, value: values[size] ?? Number.NaN })) };
      });
    const chart = sizeChart({
      description: `${trendSentence({ family, models, methods }, measure)}`,
      sizes,
      labels: models.map(({ parameters }) => formatParameters(parameters)),
      lines,
      dense: undefined,
      minimumExtent: 0.2,
      decimals: 1,
      least: 0,
    });
    return html`<div class="panel"><h4>${family}</h4>${chart}</div>`;
  });
  const unit = measure.kind === "perplexity" ? "percent of the mean" : "percentage points";
  return html`<figure class="card">
<figcaption><h3>Standard deviation of ${nameOf(measure)} <small>${unit}, lower is more robust</small></h3>${legend(labels, false)}</figcaption>
<div class="panels">${panels}</div>
<p class="note">From left to right: the models of a family by their parameters. One dot is one model with one method.</p>
</figure>`;
}

function dispersionTable({ family, models, methods }: ModelSizeStatistics, measures: readonly Measure[]): Markup {
  const rows = methods.map(({ method, measure: key, spreads, agreement }) => {
    const name = measures.find((each) => each.key === key)?.id ?? key;
    return html`<tr><th scope="row">${method}</th><td class="text">${name}</td>${spreads.map((spread, i) => entry(percentOf(spread), spread, groupAnchor({ model: models[i].id, method }), false))}
${entry(signed(agreement.correlation), agreement.correlation)}${entry(formatPValue(agreement.pValue), agreement.pValue)}</tr>`;
  });
  const sizes = models.map(({ id, parameters }) => html`${id}<small>${formatParameters(parameters)}</small>`);
  return table(
    `${family}: standard deviations over the sets, in points of accuracy and in percent of the mean perplexity`,
    [{ text: "method" }, { text: "measure" }, ...sizes, "ρ", "p"],
    [html`<tbody>${rows}</tbody>`],
  );
}

function percentOf(share: number | null): string {
  return share === null ? MISSING : (100 * share).toFixed(2);
}

function signed(correlation: number | null): string {
  return correlation === null ? MISSING : correlation.toFixed(2).replace("-", "−");
}

/** `6.7B`, `135M`. */
export function formatParameters(parameters: number): string {
  const [value, unit] =
    parameters >= 1e9 ? [parameters / 1e9, "B"] : parameters >= 1e6 ? [parameters / 1e6, "M"] : [parameters / 1e3, "k"];
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)}${unit}`;
}
