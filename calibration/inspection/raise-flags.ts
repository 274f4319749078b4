import type { SequenceFindings } from "./findings.js";
import { type Flag, flagNames } from "./flags.js";
import { UNDETERMINED } from "./language.js";

/** Share of a sequence's tokens in repeated runs from which it is flagged. */
const REPEATED_SHARE = 0.2;
/** Share of characters that are no letters: English prose has some 5 %, source code and tables have 30 % and more. */
const SYMBOL_SHARE = 0.3;

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
