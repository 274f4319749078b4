import type { Inspection, SetFindings, SourceFindings } from "../../calibration/inspection/findings.js";
import { htmlDocument } from "../document.js";
import { html, type Markup } from "../markup.js";
import { countOf, formatLevel, MISSING } from "../numbers.js";
import { pageStyle } from "../style.js";
import { type Column, table } from "../table.js";
import { count, distanceTable, figureCells, figureColumns, howToRead } from "./figures.js";
import { filterForm, filterRules } from "./filter.js";
import { type SequenceContext, sequenceArticle } from "./sequence.js";
import { inspectionStyle } from "./style.js";

export interface PageOptions {
  title: string;
  specialTokens: readonly string[];
}

const INDEX = "index.html";

/** Everything on one page without scripts, which loads nothing; for some hundred sequences. */
export function inspectionPage(inspection: Inspection, { title, specialTokens }: PageOptions): string {
  const { sets, sources } = inspection;
  const context: SequenceContext = { sets, specialTokens, pageOf: () => "" };
  const indexes = sets.map((_, i) => i);
  return page(title, indexes, [
    header(title, inspection),
    sourceTable(sources, (name) => html`${name}`),
    setTable(sets),
    distanceTable(sources),
    howToRead(sources),
    sequences(indexes, context),
  ]);
}

/**
 * The figures on `index.html`, and the sequences of each source on a page of its own: ten sets of 128 sequences of 2,048 tokens are
 * some 13 MB, which a browser takes in a few seconds, since texts are folded and what isn't in view isn't laid out.
 * @returns pages by the names of their files
 */
export function inspectionFolder(inspection: Inspection, { title, specialTokens }: PageOptions): Map<string, string> {
  const { sets, sources } = inspection;
  const files = sources.map(({ source }, i) => fileName(source, i));
  const fileOf = (source: string) => files[sources.findIndex((each) => each.source === source)];
  const pages = new Map<string, string>();
  pages.set(
    INDEX,
    page(
      title,
      [],
      [
        header(title, inspection),
        sourceTable(sources, (name) => html`<a href="${fileOf(name)}">${name}</a>`),
        setTable(sets),
        distanceTable(sources),
        howToRead(sources),
      ],
    ),
  );
  for (const [i, source] of sources.entries()) {
    const indexes = sets.flatMap((set, index) => (set.source === source.source ? [index] : []));
    const own = indexes.map((index) => sets[index]);
    const pageOf = (set: number) => (indexes.includes(set) ? "" : fileOf(sets[set].source));
    const heading = `${title}: ${source.source}`;
    pages.set(
      files[i],
      page(heading, indexes, [
        html`<p class="back"><a href="${INDEX}">All sources</a></p>`,
        header(heading, { sets: own, sources: [source] }),
        setTable(own),
        howToRead([source]),
        sequences(indexes, { sets, specialTokens, pageOf }),
      ]),
    );
  }
  return pages;
}

/** Sources may have any names, and file systems don't take all, nor tell large letters from small ones. */
function fileName(source: string, index: number): string {
  return `${index}-${source.replace(/[^\w.-]+/g, "-")}.html`;
}

function page(title: string, sets: readonly number[], content: readonly (Markup | null)[]): string {
  const style = `${pageStyle}${inspectionStyle}${filterRules(sets)}`;
  return htmlDocument({ title: `${title} – calibration sets`, style }, html`<main>${content}</main>`).text;
}

function header(title: string, { sets, sources }: Inspection): Markup {
  const found = sets.flatMap((set) => set.found);
  const sum = (value: (set: SetFindings) => number) => sets.reduce((total, set) => total + value(set), 0);
  const flagged = found.filter(({ flags }) => flags.length > 0).length;
  const records = sources.every((source) => source.records === null)
    ? "not looked for"
    : count(found.filter(({ flags }) => flags.includes("record")).length);
  return html`<header><p class="overline">Calibration sets</p><h1>${title}</h1>
<p class="meta">${countOf(sources.length, "source")} · ${countOf(sets.length, "set")} · ${countOf(found.length, "sequence")} · ${countOf(
    sum(({ tokens }) => tokens),
    "token",
  )}</p>
</header>
<ul class="tiles">
<li><span>sequences with something to look at</span><strong>${count(flagged)} of ${count(found.length)}</strong></li>
<li><span>near-duplicates</span><strong>${count(found.filter(({ duplicates }) => duplicates.length > 0).length)}</strong></li>
<li><span>in another or no clear language</span><strong>${count(found.filter(({ flags }) => flags.includes("language")).length)}</strong></li>
<li><span>sequences with evaluation records</span><strong>${records}</strong></li>
</ul>`;
}

type Row = SetFindings | SourceFindings;

/** Only what was computed. */
function furtherColumns(rows: readonly Row[]): Column[] {
  return [
    ...(rows.some(({ records }) => records !== null) ? [html`records<small>of evaluation</small>`] : []),
    ...(rows.some(({ perplexity }) => perplexity !== null)
      ? [html`perplexity<small>median</small>`, html`stand out<small>sequences</small>`]
      : []),
  ];
}

function furtherCells({ records, perplexity }: Row): Markup {
  return html`${records === null ? null : html`<td>${count(records)}</td>`}
${perplexity === null ? null : html`<td>${formatLevel(perplexity.median, "perplexity")}</td><td>${count(perplexity.high + perplexity.low)}</td>`}`;
}

function sourceTable(sources: readonly SourceFindings[], name: (source: string) => Markup): Markup {
  const rows = sources.map(
    (source) =>
      html`<tr><th scope="row">${name(source.source)}</th><td>${count(source.sets)}</td>${figureCells(source)}${furtherCells(source)}</tr>`,
  );
  const columns = [{ text: "source" }, "sets", ...figureColumns, ...furtherColumns(sources)];
  return html`<h2>What the sets hold</h2>${table("By source", columns, [html`<tbody>${rows}</tbody>`])}`;
}

function setTable(sets: readonly SetFindings[]): Markup {
  const rows = sets.map((set) => {
    const { length } = set;
    const drawn =
      length.drawnFrom === null
        ? MISSING
        : `${count(length.drawnFrom.longEnough)} of ${count(length.drawnFrom.examined)}`;
    const cut = length.cutBefore === null ? "" : ` (${count(Math.round(length.cutBefore))})`;
    return html`<tr><th scope="row">${set.name}</th>${figureCells(set)}${furtherCells(set)}
<td>${count(length.begunInside)}${cut}</td><td>${count(length.joined)}</td><td>${drawn}</td></tr>`;
  });
  const columns = [
    ...[{ text: "set" }, ...figureColumns, ...furtherColumns(sets)],
    html`begin inside<small>a document (tokens before, median)</small>`,
    html`joined<small>of several documents</small>`,
    html`long enough<small>of documents looked at</small>`,
  ];
  return table("By set", columns, [html`<tbody>${rows}</tbody>`]);
}

function sequences(indexes: readonly number[], context: SequenceContext): Markup {
  const parts = indexes.map((set) => {
    const { name, found } = context.sets[set];
    return html`<section class="set" data-set="${set}" aria-label="${name}"><h3>${name}</h3>
${found.map((each, sequence) => sequenceArticle(each, { set, sequence }, context))}</section>`;
  });
  return html`<h2>Sequences</h2>
<ul class="key"><li><mark class="record">words of an evaluation record</mark></li><li><mark>stands in several documents</mark></li>
<li><mark class="special">special token</mark></li><li><span class="unseen">U+200B</span> a character that can't be seen</li></ul>
${filterForm(indexes.map((index) => ({ index, set: context.sets[index] })))}
${parts}`;
}
