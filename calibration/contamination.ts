/** Words in a row that a record and a calibration text must share (the n-gram of Brown et al. 2020, arXiv 2005.14165, appendix C). */
const WORDS_IN_A_ROW = 13;

/** Evaluation records, by the runs of words that stand in them. */
export type RecordIndex = ReadonlyMap<string, readonly number[]>;

/** Words in a row that a text shares with a record. */
export interface RecordMatch {
  record: number;
  /** Characters of the text. */
  start: number;
  end: number;
}

/**
 * How many of `recordTexts` share 13 words in a row with any of `setTexts`. Words are compared in lower case without
 * punctuation and symbols; a record with fewer words is never found.
 */
export function contaminatedRecords(setTexts: readonly string[], recordTexts: readonly string[]): number {
  const index = indexRecords(recordTexts);
  return new Set(setTexts.flatMap((text) => findRecords(index, text).map(({ record }) => record))).size;
}

export function indexRecords(recordTexts: readonly string[]): RecordIndex {
  const index = new Map<string, number[]>();
  for (const [record, text] of recordTexts.entries()) {
    for (const { run } of runs(text)) {
      const known = index.get(run) ?? [];
      if (known.at(-1) !== record) known.push(record);
      index.set(run, known);
    }
  }
  return index;
}

/** Where `text` shares 13 words in a row with records, in order; runs of one record that overlap are one. */
export function findRecords(index: RecordIndex, text: string): RecordMatch[] {
  const found: RecordMatch[] = [];
  const last = new Map<number, RecordMatch>();
  for (const { run, start, end } of runs(text)) {
    for (const record of index.get(run) ?? []) {
      const before = last.get(record);
      if (before !== undefined && start <= before.end) before.end = end;
      else last.set(record, found[found.push({ record, start, end }) - 1]);
    }
  }
  return found;
}

function runs(text: string): { run: string; start: number; end: number }[] {
  const words = wordsOf(text);
  const count = Math.max(0, words.length - WORDS_IN_A_ROW + 1);
  return Array.from({ length: count }, (_, i) => {
    const run = words.slice(i, i + WORDS_IN_A_ROW);
    return { run: run.map(({ word }) => word).join(" "), start: run[0].start, end: run[run.length - 1].end };
  });
}

function wordsOf(text: string): { word: string; start: number; end: number }[] {
  return Array.from(text.matchAll(/\S+/g), ({ 0: written, index }) => ({
    word: written
      .normalize("NFC")
      .toLowerCase()
      .replace(/[\p{P}\p{S}]/gu, ""),
    start: index,
    end: index + written.length,
  })).filter(({ word }) => word !== "");
}
