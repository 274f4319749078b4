/** Words in a row that a record and a calibration text must share (the n-gram of Brown et al. 2020, arXiv 2005.14165, appendix C). */
const WORDS_IN_A_ROW = 13;

/**
 * How many of `recordTexts` share 13 words in a row with any of `setTexts`. Words are compared in lower case without
 * punctuation and symbols; a record with fewer words is never found.
 */
export function contaminatedRecords(setTexts: readonly string[], recordTexts: readonly string[]): number {
  const known = new Set(setTexts.flatMap(runs));
  return recordTexts.filter((text) => runs(text).some((run) => known.has(run))).length;
}

function runs(text: string): string[] {
  const words = text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[\p{P}\p{S}]/gu, "")
    .split(/\s+/)
    .filter((word) => word !== "");
  const count = Math.max(0, words.length - WORDS_IN_A_ROW + 1);
  return Array.from({ length: count }, (_, i) => words.slice(i, i + WORDS_IN_A_ROW).join(" "));
}
