import type { Share, VarianceShares } from "../statistics/variance-shares.js";
import { verdictTexts } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { headlines, type Measure } from "./measures.js";
import { formatPercent } from "./numbers.js";
import type { ModelStatistics } from "./statistics.js";
import { table } from "./table.js";

/** Where the variance over the sets comes from, for methods that use data. */
export function sharesTable(model: ModelStatistics, measures: readonly Measure[]): Markup | undefined {
  const rows = model.methods
    .filter(({ dataFree, sizes }) => !dataFree && sizes.length > 0)
    .flatMap(({ method, shares, noise }) =>
      headlines(measures).map((measure) => {
        const start = html`<th scope="row">${method}</th><td class="text">${measure.id}</td>`;
        return html`<tr>${start}${sharesCells(shares[measure.key])}<td class="text">${verdictTexts[noise[measure.key].verdict]}</td></tr>`;
      }),
    );
  if (rows.length === 0) return undefined;
  const columns = [
    { text: "method" },
    { text: "measure" },
    "source",
    "set within a source",
    "numerical noise",
    { text: "spread over sets" },
  ];
  return table("Shares of the variance over sets, with 95 % intervals", columns, [html`<tbody>${rows}</tbody>`]);
}

function sharesCells(shares: VarianceShares | { missing: string } | null | undefined): Markup {
  if (shares === null || shares === undefined) return html`<td class="text" colspan="3">all sets are equal</td>`;
  if ("missing" in shares) return html`<td class="text" colspan="3">not known: ${shares.missing} are needed</td>`;
  const { source, set, noise } = shares;
  return html`<td>${shareText(source)}</td><td>${shareText(set)}</td><td>${noise === null ? "in the sets' share: not measured" : shareText(noise)}</td>`;
}

/** `60 % (20 % to 85 %)`. */
export function shareText({ share, low, high }: Share): string {
  return `${formatPercent(share)} (${formatPercent(low)} to ${formatPercent(high)})`;
}
