import type { Duplicate, SequenceFindings, SetFindings } from "../../calibration/inspection/findings.js";
import { type Flag, flags } from "../../calibration/inspection/flags.js";
import { html, type Markup } from "../markup.js";
import { formatLevel, formatPercent } from "../numbers.js";
import { count, languageName, share } from "./figures.js";
import { markedText, occurrences, placesOf, type TextMark } from "./text.js";

/** What sequences of a page refer to. */
export interface SequenceContext {
  sets: readonly SetFindings[];
  /** Texts of the tokenizer's special tokens. */
  specialTokens: readonly string[];
  /** Address of the page that a set is on; empty: this one. */
  pageOf(set: number): string;
}

const EXCERPT = 110;

/** Flags that say that a figure may be wrong; the others say what the text is like. */
const grave: ReadonlySet<Flag> = new Set(["record", "duplicate"]);

export function anchor(set: number, sequence: number): string {
  return `sequence-${set}-${sequence}`;
}

/** One sequence, its text folded. */
export function sequenceArticle(
  found: SequenceFindings,
  place: { set: number; sequence: number },
  context: SequenceContext,
): Markup {
  const { text, documents } = found;
  const chips = found.flags.map(
    (flag) => html`<span class="chip ${grave.has(flag) ? "fail" : "unclear"}">${flags[flag]}</span> `,
  );
  const more = documents.length > 1 ? ` +${documents.length - 1}` : "";
  return html`<details class="sequence" id="${anchor(place.set, place.sequence)}" data-flags="${found.flags.join(" ")}">
<summary><span class="number">${place.sequence}</span> <span class="place">${lastPart(documents[0])}${more}</span> ${chips}<span class="excerpt" dir="auto">${excerpt(text)}</span></summary>
<dl>${facts(found, place.set, context)}</dl>
<div class="window" dir="auto" tabindex="0" role="region" aria-label="Text of sequence ${place.sequence}">${markedText(text, marksOf(found, context))}</div>
</details>`;
}

function facts(found: SequenceFindings, set: number, context: SequenceContext): Markup[] {
  const { documents, offset, language, perplexity, outlier, repeated, markup, duplicates, records } = found;
  const isKnown = context.sets[set].documents !== null;
  const start = offset === 0 ? "the beginning of its document" : `token ${count(offset)} of its document`;
  const rows: [string, string | Markup | null][] = [
    [documents.length === 1 ? "document" : "documents", isKnown ? documents.join(", ") : null],
    ["begins at", isKnown ? start : null],
    ["language", languageName(language)],
    ["perplexity", perplexity === null ? null : html`${formatLevel(perplexity, "perplexity")}${outlierText(outlier)}`],
    ["repeated runs", repeated === 0 ? null : `${share(repeated)} of its tokens`],
    ["links, tags", markup.links + markup.tags === 0 ? null : `${count(markup.links)}, ${count(markup.tags)}`],
    ["not letters", `${formatPercent(markup.nonLetters)} of its characters`],
    [
      "nearly equals",
      duplicates.length === 0 ? null : html`${duplicates.map((other, i) => duplicateLink(other, i, context))}`,
    ],
    ["evaluation records", records === null || records.length === 0 ? null : recordsText(records)],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : html`<dt>${name}</dt><dd>${value}</dd>`));
}

function outlierText(outlier: SequenceFindings["outlier"]): string {
  return outlier === null ? "" : ` (${outlier === "high" ? "higher" : "lower"} than of the source's others)`;
}

function duplicateLink(
  { set, sequence, resemblance }: Duplicate,
  i: number,
  { sets, pageOf }: SequenceContext,
): Markup {
  const address = `${pageOf(set)}#${anchor(set, sequence)}`;
  return html`${i === 0 ? "" : ", "}<a href="${address}">${sets[set].name}, sequence ${sequence}</a> (${formatPercent(resemblance)} of the runs)`;
}

function recordsText(records: NonNullable<SequenceFindings["records"]>): string {
  const names = new Set(records.map(({ task, record }) => recordName(task, record)));
  return Array.from(names).join(", ");
}

/** Records are counted from 0, as in the files of samples. */
function recordName(task: string, record: number): string {
  return `${task} record ${record}`;
}

function marksOf({ text, records, runs }: SequenceFindings, { specialTokens }: SequenceContext): TextMark[] {
  return [
    ...(records ?? []).map(({ task, record, start, end }) => ({
      ...{ kind: "record" as const, start, end, title: recordName(task, record) },
    })),
    ...placesOf(text, runs).map((place) => ({
      ...{ kind: "repeated" as const, ...place, title: "stands in several documents" },
    })),
    ...specialTokens.flatMap((token) =>
      occurrences(text, token).map((place) => ({ kind: "special" as const, ...place, title: "special token" })),
    ),
  ];
}

/** A document's name without its folders. */
function lastPart(document: string): string {
  return document.slice(document.lastIndexOf("/") + 1);
}

function excerpt(text: string): Markup {
  const start = text
    .slice(0, 2 * EXCERPT)
    .replace(/\s+/g, " ")
    .trim();
  return markedText(Array.from(start).slice(0, EXCERPT).join(""), []);
}
