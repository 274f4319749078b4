import type { Share, VarianceShares } from "../statistics/variance-shares.js";
import { groupAnchor } from "./anchors.js";
import { verdictTexts } from "./finding.js";
import { html, type Markup } from "./markup.js";
import { headlines, type Measure } from "./measures.js";
import { formatPercent } from "./numbers.js";
import type { ModelStatistics } from "./statistics.js";
import { cellsLink, entry, table } from "./table.js";

/** Where the variance over the sets comes from, for methods that use data. */
export function sharesTable(model: ModelStatistics, measures: readonly Measure[]): Markup | undefined {
  const rows = model.methods
    .filter(({ dataFree, sizes }) => !dataFree && sizes.length > 0)
    .flatMap(({ method, shares, noise }) =>
      headlines(measures).map((measure) => {
        const group = groupAnchor({ model: model.model, method });
        const start = html`<th scope="row">${cellsLink(method, group)}</th><td class="text">${measure.id}</td>`;
        return html`<tr>${start}${sharesCells(shares[measure.key], group)}<td class="text">${verdictTexts[noise[measure.key].verdict]}</td></tr>`;
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

function sharesCells(shares: VarianceShares | { missing: string } | null | undefined, group: string): Markup {
  if (shares === null || shares === undefined) return html`<td class="text" colspan="3">all sets are equal</td>`;
  if ("missing" in shares) return html`<td class="text" colspan="3">not known: ${shares.missing} are needed</td>`;
  const { source, set, noise } = shares;
  const show = (share: Share, text = shareText(share)) =>
    entry(text, { value: share.share, low: share.low, high: share.high }, group);
  return html`${show(source, sourceShareText(source))}${show(set)}${noise === null ? html`<td>in the sets' share: not measured</td>` : show(noise)}`;
}

/** All of an interval below 0, cut off there, would read as if the share were known exactly. */
export function sourceShareText(source: Share): string {
  if (source.high > 0) return shareText(source);
  return `${formatPercent(source.share)} (sources differ less than chance makes them)`;
}

/** `60 % (20 % to 85 %)`. */
export function shareText({ share, low, high }: Share): string {
  return `${formatPercent(share)} (${formatPercent(low)} to ${formatPercent(high)})`;
}
