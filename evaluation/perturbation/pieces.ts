const characters = new Intl.Segmenter("en", { granularity: "grapheme" });
const words = new Intl.Segmenter("en", { granularity: "word" });
const sentences = new Intl.Segmenter("en", { granularity: "sentence" });

/** Characters as a reader counts them: a letter with its accents is one, and so is a flag. */
export function graphemesOf(text: string): string[] {
  // English is plain, and the segmenter takes 20 times as long.
  if (/^[\n -~]*$/.test(text)) return Array.from(text);
  return Array.from(characters.segment(text), ({ segment }) => segment);
}

/** Words and what is between them, in their order; also of scripts that put no spaces between words. */
export function wordPieces(text: string): { text: string; isWord: boolean }[] {
  return Array.from(words.segment(text), ({ segment, isWordLike }) => ({ text: segment, isWord: isWordLike === true }));
}

/** Sentences with a mark at their end, their white space as single spaces. Shorter ones are mostly abbreviations. */
export function completeSentences(text: string): string[] {
  return Array.from(sentences.segment(text), ({ segment }) => segment.trim().replaceAll(/\s+/g, " ")).filter(
    (sentence) => sentence.length >= SHORTEST_SENTENCE && /[.!?。！？।]["'”’)\]]*$/u.test(sentence),
  );
}

const SHORTEST_SENTENCE = 12;

export function isWhitespace(character: string): boolean {
  return /^\s+$/u.test(character);
}

export function isLetter(character: string): boolean {
  return /^[\p{L}\p{N}]/u.test(character);
}
