import { eld } from "eld/small";

/** What ISO 639-2 calls a text whose language can't be told. */
export const UNDETERMINED = "und";

/** More changes little, and long windows would take long. */
const CHARACTERS = 4000;

export interface LanguageCount {
  /** ISO 639-1, or `und`. */
  language: string;
  sequences: number;
}

/** ISO 639-1 of the language that most of a text's beginning is in (ELD, 60 languages), or `und` where there is too little to tell. */
export function languageOf(text: string): string {
  const result = eld.detect(text.slice(0, CHARACTERS));
  return result.isReliable() ? result.language : UNDETERMINED;
}

/** The most frequent first; those as frequent by their codes. */
export function countLanguages(languages: readonly string[]): LanguageCount[] {
  const counts = new Map<string, number>();
  for (const language of languages) counts.set(language, (counts.get(language) ?? 0) + 1);
  return Array.from(counts, ([language, sequences]) => ({ language, sequences })).sort(
    (a, b) => b.sequences - a.sequences || (a.language < b.language ? -1 : 1),
  );
}

/** The language that sequences in others stand out from; undefined where none is known of any. */
export function mainLanguage(counts: readonly LanguageCount[]): string | undefined {
  return counts.find(({ language }) => language !== UNDETERMINED)?.language;
}
