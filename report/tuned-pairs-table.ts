import { groupAnchor } from "./anchors.js";
import { nameOf } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { headlines, type Measure } from "./measures.js";
import { formatPValue, formatSpread, listOf, MISSING } from "./numbers.js";
import type { RankAgreement } from "./ranks.js";
import { entry, table } from "./table.js";
import { FEWEST_SETS, type PairComparison, type TunedPair } from "./tuned-pairs.js";
import type { Summary } from "./variance.js";

const SIGNIFICANCE = 0.05;

/** Models beside those that they were made from; undefined where the specification names none. */
export function tunedPairSection(pairs: readonly TunedPair[], measures: readonly Measure[]): Markup | undefined {
  if (pairs.length === 0) return undefined;
  const items = pairs.flatMap((pair) =>
    headlines(measures).map((measure) => html`<li>${pairSentence(pair, measure)}</li>`),
  );
  const rows = pairs.flatMap(({ base, tuned, comparisons }) =>
    comparisons.map((comparison) => {
      const measure = measures.find(({ key }) => key === comparison.measure);
      const kind = measure?.kind ?? "task";
      const { method, baseSpread, tunedSpread, pValue, sources } = comparison;
      const spread = (model: string, { standardDeviation, mean }: Summary) =>
        entry(formatSpread(standardDeviation, kind, mean), standardDeviation, groupAnchor({ model, method }), false);
      return html`<tr><th scope="row">${tuned} / ${base}</th><td class="text">${method}</td><td class="text">${measure?.id}</td><td>${baseSpread.count}</td>
${spread(base, baseSpread)}${spread(tuned, tunedSpread)}${entry(formatPValue(pValue), pValue)}
${entry(html`${correlationOf(sources)} <small>(${sources.count})</small>`, { value: sources.correlation, sources: sources.count })}${entry(formatPValue(sources.pValue), sources.pValue)}</tr>`;
    }),
  );
  const columns = [
    "tuned / base",
    { text: "method" },
    { text: "measure" },
    "sets",
    "sets ± base",
    "sets ± tuned",
    "p of the spreads",
    "sources' ranks ρ",
    "p of the ranks",
  ];
  const caption =
    "Spread over the same calibration sets of base and tuned models, and whether they rank the sources alike";
  return html`<section><h2>Base and tuned models</h2>
<ul class="details">${items}</ul>
${rows.length > 0 ? table(caption, columns, [html`<tbody>${rows}</tbody>`]) : null}
<p class="note">Standard deviations over the sets that both have finite figures for, of the largest size; p after Pitman and Morgan, which takes into account that the sets are
the same, from ${FEWEST_SETS} sets on. ρ: Spearman's rank correlation of the sources' means, from three sources on; p by chance (two-sided; exact for fewer than
eight sources: with four, no order is beyond chance). Unadjusted for the number of comparisons.</p></section>`;
}

/** "vicuna-7b beside its base llama-7b, mean accuracy: it spreads more with gptq; … both rank the sources alike with gptq; …" */
export function pairSentence({ base, tuned, comparisons }: TunedPair, measure: Measure): string {
  const own = comparisons.filter((each) => each.measure === measure.key);
  const groups: readonly [string, (comparison: PairComparison) => boolean][] = [
    ["its spread is larger with", (each) => isClear(each.pValue) && isWider(each)],
    ["its spread is smaller with", (each) => isClear(each.pValue) && !isWider(each)],
    ["its spread is not shown to differ with", (each) => each.pValue !== null && !isClear(each.pValue)],
    ["too few common sets to compare the spread with", (each) => each.pValue === null],
    ["both rank the sources alike with", ({ sources }) => isClear(sources.pValue) && (sources.correlation ?? 0) > 0],
    [
      "they rank the sources the other way round with",
      ({ sources }) => isClear(sources.pValue) && (sources.correlation ?? 0) < 0,
    ],
    [
      "that both rank the sources alike is not shown with",
      ({ sources }) => sources.pValue !== null && !isClear(sources.pValue),
    ],
    ["too few sources with different means to compare their ranks with", ({ sources }) => sources.pValue === null],
  ];
  const parts = groups.flatMap(([words, belongs]) => {
    const methods = own.filter(belongs).map(({ method }) => method);
    return methods.length === 0 ? [] : [`${words} ${listOf(methods)}`];
  });
  const text = parts.length > 0 ? parts.join("; ") : "no method that uses data has finished cells of both yet";
  return `${tuned} beside its base ${base}, ${nameOf(measure)}: ${text}.`;
}

function isClear(pValue: number | null): boolean {
  return pValue !== null && pValue < SIGNIFICANCE;
}

function isWider({ baseSpread, tunedSpread }: PairComparison): boolean {
  return (tunedSpread.standardDeviation ?? 0) > (baseSpread.standardDeviation ?? 0);
}

function correlationOf({ correlation }: RankAgreement): string {
  return correlation === null ? MISSING : correlation.toFixed(2).replace("-", "−");
}
