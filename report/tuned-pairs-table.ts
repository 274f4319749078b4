import { nameOf } from "./finding.js";
import { html, type Markup } from "./markup.js";
import type { Measure } from "./measures.js";
import { formatPValue, formatSpread, MISSING } from "./numbers.js";
import type { RankAgreement } from "./ranks.js";
import { table } from "./table.js";
import { FEWEST_SETS, type PairComparison, type TunedPair } from "./tuned-pairs.js";

const SIGNIFICANCE = 0.05;

/** Models beside those that they were made from; undefined where the specification names none. */
export function tunedPairSection(pairs: readonly TunedPair[], measures: readonly Measure[]): Markup | undefined {
  if (pairs.length === 0) return undefined;
  const measureOf = ({ measure }: PairComparison) => measures.find(({ key }) => key === measure);
  const items = pairs.flatMap((pair) =>
    pair.comparisons.length === 0
      ? [
          html`<li><strong>${pair.tuned}</strong> No method that uses data has finished cells of both it and ${pair.base} yet.</li>`,
        ]
      : pair.comparisons.flatMap((comparison) => {
          const measure = measureOf(comparison);
          return measure === undefined ? [] : [html`<li>${pairSentence(pair, comparison, measure)}</li>`];
        }),
  );
  const rows = pairs.flatMap(({ base, tuned, comparisons }) =>
    comparisons.flatMap((comparison) => {
      const measure = measureOf(comparison);
      if (measure === undefined) return [];
      const { method, baseSpread, tunedSpread, pValue, sources } = comparison;
      return [
        html`<tr><th scope="row">${tuned} / ${base}</th><td class="text">${method}</td><td class="text">${measure.id}</td><td>${baseSpread.count}</td>
<td>${formatSpread(baseSpread.standardDeviation, measure.kind, baseSpread.mean)}</td><td>${formatSpread(tunedSpread.standardDeviation, measure.kind, tunedSpread.mean)}</td>
<td>${formatPValue(pValue)}</td><td>${correlationOf(sources)} <small>(${sources.count})</small></td><td>${formatPValue(sources.pValue)}</td></tr>`,
      ];
    }),
  );
  const columns = [
    "tuned / base",
    { text: "method" },
    { text: "measure" },
    "sets",
    "sets ± base",
    "sets ± tuned",
    "p",
    "sources' ranks ρ",
    "p",
  ];
  return html`<section><h2>Base and tuned models</h2>
<ul class="details">${items}</ul>
${rows.length > 0 ? table("Spread over the same calibration sets of base and tuned models, and whether they rank the sources alike", columns, [html`<tbody>${rows}</tbody>`]) : null}
<p class="note">Standard deviations over the sets that both have finite figures for, of the largest size; p after Pitman and Morgan, which takes into account that the sets are
the same, from ${FEWEST_SETS} sets on. ρ: Spearman's rank correlation of the sources' means, from three sources on; p by chance (two-sided; exact for fewer than
eight sources). Unadjusted for the number of comparisons.</p></section>`;
}

/** "vicuna-7b and its base llama-7b, gptq, mean accuracy: the tuned model spreads more (0.80 to 0.40, p = 0.01); both rank the sources alike (ρ = 0.90, p = 0.04)." */
export function pairSentence({ base, tuned }: TunedPair, comparison: PairComparison, measure: Measure): string {
  const { method, baseSpread, tunedSpread, pValue, sources } = comparison;
  const spread = ({ standardDeviation, mean }: typeof baseSpread) =>
    formatSpread(standardDeviation, measure.kind, mean);
  const figures = `${spread(tunedSpread)} to ${spread(baseSpread)}, p ${pTextOf(pValue)}`;
  const more = (tunedSpread.standardDeviation ?? 0) > (baseSpread.standardDeviation ?? 0);
  const spreads =
    pValue === null
      ? `whether the spread differs is not known, with ${baseSpread.count} common sets`
      : pValue < SIGNIFICANCE
        ? `the tuned model spreads ${more ? "more" : "less"} (${figures})`
        : `the spread is not shown to differ (${figures})`;
  return `${tuned} and its base ${base}, ${method}, ${nameOf(measure)}: ${spreads}; ${rankText(sources)}.`;
}

function rankText(sources: RankAgreement): string {
  const { correlation, pValue, count } = sources;
  if (correlation === null)
    return count < 3
      ? `${count} common sources are too few to compare their ranks`
      : "the sources' means are all the same, and have no ranks";
  const figures = `(ρ = ${correlationOf(sources)}, p ${pTextOf(pValue)})`;
  if (pValue === null || pValue >= SIGNIFICANCE) return `that both rank the sources alike is not shown ${figures}`;
  return correlation > 0
    ? `both rank the sources alike ${figures}`
    : `they rank the sources the other way round ${figures}`;
}

function pTextOf(p: number | null): string {
  return p !== null && p < 0.001 ? formatPValue(p) : `= ${formatPValue(p)}`;
}

function correlationOf({ correlation }: RankAgreement): string {
  return correlation === null ? MISSING : correlation.toFixed(2).replace("-", "−");
}
