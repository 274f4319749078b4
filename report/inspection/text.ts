import { html, type Markup } from "../markup.js";

/** Why a part of a text is marked: words of an evaluation record, a run that stands in several documents, a special token. */
export interface TextMark {
  kind: "record" | "repeated" | "special";
  /** Characters. */
  start: number;
  end: number;
  title: string;
}

/** Control, format and private characters and those that are none, but for line ends, tabs and joiners, which writing needs. */
const UNSEEN = /(?![\n\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u;
const UNSEEN_PARTS = new RegExp(`(${UNSEEN.source})`, "u");

/** A text with its marks, which may overlap; what can't be seen is shown by its name. */
export function markedText(text: string, marks: readonly TextMark[]): Markup {
  const cuts = new Set([0, text.length, ...marks.flatMap(({ start, end }) => [start, end])]);
  const borders = Array.from(cuts).sort((a, b) => a - b);
  const parts = borders.slice(1).map((end, i) => {
    const start = borders[i];
    const own = marks.filter((mark) => mark.start <= start && mark.end >= end);
    const shown = visible(text.slice(start, end));
    if (own.length === 0) return shown;
    const kinds = Array.from(new Set(own.map(({ kind }) => kind))).join(" ");
    const titles = Array.from(new Set(own.map(({ title }) => title))).join("; ");
    return html`<mark class="${kinds}" title="${titles}">${shown}</mark>`;
  });
  return html`${parts}`;
}

/** Where `parts` stand in a text, one after another; a part that isn't found is left out. */
export function placesOf(text: string, parts: readonly string[]): { start: number; end: number }[] {
  let from = 0;
  return parts.flatMap((part) => {
    // A run of tokens may begin or end inside a character.
    const whole = part.replace(/^\ufffd+|\ufffd+$/g, "");
    const start = whole === "" ? -1 : text.indexOf(whole, from);
    if (start === -1) return [];
    from = start + whole.length;
    return [{ start, end: from }];
  });
}

/** All places of some token in a text. */
export function occurrences(text: string, token: string): { start: number; end: number }[] {
  if (token === "") return [];
  return placesOf(
    text,
    Array.from({ length: text.split(token).length - 1 }, () => token),
  );
}

function visible(text: string): Markup {
  const parts = text.split(UNSEEN_PARTS).map((part, i) => (i % 2 === 0 ? part : unseen(part)));
  return html`${parts}`;
}

function unseen(character: string): Markup {
  const code = character.codePointAt(0) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  // Unicode has pictures of the first 32 and of DEL.
  const shown = code < 32 ? String.fromCodePoint(0x2400 + code) : code === 127 ? "\u2421" : name;
  return html`<span class="unseen" title="${name}">${shown}</span>`;
}
