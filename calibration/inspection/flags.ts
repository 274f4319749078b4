import type { SequenceFindings } from "./findings.js";
import { UNDETERMINED } from "./language.js";

/** What a reader may want to look at, in the order in which it is shown. */
export const flags = {
  record: "evaluation record",
  duplicate: "near-duplicate",
  language: "other or unclear language",
  perplexity: "perplexity stands out",
  repeated: "repeated runs",
  markup: "links or tags",
  symbols: "few letters",
} as const;

export type Flag = keyof typeof flags;

export const flagNames = Object.keys(flags) as Flag[];

/** Share of a sequence's tokens in repeated runs from which it is flagged. */
export const REPEATED_SHARE = 0.2;
/** Share of characters that are no letters: English prose has some 5 %, source code and tables have 30 % and more. */
export const SYMBOL_SHARE = 0.3;

/** @param main the language of most of its source's sequences */
export function flagsOf(found: Omit<SequenceFindings, "flags">, main: string | undefined): Flag[] {
  const { records, duplicates, language, outlier, repeated, markup } = found;
  const raised: Record<Flag, boolean> = {
    record: records !== null && records.length > 0,
    duplicate: duplicates.length > 0,
    language: language !== (main ?? UNDETERMINED),
    perplexity: outlier !== null,
    repeated: repeated >= REPEATED_SHARE,
    markup: markup.links + markup.tags > 0,
    symbols: markup.nonLetters > SYMBOL_SHARE,
  };
  return flagNames.filter((flag) => raised[flag]);
}
