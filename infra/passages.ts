/** A document of a text source. */
export interface Document {
  text: string;
  /** Where it is from, for people: a chapter, a year, an article's number. */
  title: string;
}

const sentenceSegmenter = new Intl.Segmenter("en", { granularity: "sentence" });

/** The sentences of a text, with their spaces. Joined they are the text. */
export function sentences(text: string): string[] {
  return [...sentenceSegmenter.segment(text)].map(({ segment }) => segment);
}

/** Successive passages of at least `minimum` words, each ending with a sentence; what is left at the end is dropped. */
export function passages(text: string, minimum: number): string[] {
  const found: string[] = [];
  let current = "";
  for (const sentence of sentences(text.replace(/\s+/g, " "))) {
    current += sentence;
    if (countWords(current) < minimum) continue;
    found.push(current.trim());
    current = "";
  }
  return found;
}

/** Pieces of about `size` words, cut between paragraphs; a short rest stays with the piece before it. */
export function pieces(text: string, size: number): string[] {
  const found: string[] = [];
  for (const paragraph of text.split(/\n{2,}/)) {
    const last = found.at(-1);
    if (last === undefined || countWords(last) >= size) found.push(paragraph);
    else found[found.length - 1] = `${last}\n\n${paragraph}`;
  }
  const rest = found.at(-1);
  if (rest !== undefined && found.length > 1 && countWords(rest) < size / 2)
    found.splice(-2, 2, `${found.at(-2)}\n\n${rest}`);
  return found;
}

/**
 * The passage up to its last word, where that is a plain word that stands earlier in the passage too: LAMBADA's passages
 * were chosen so that a reader of the whole passage can tell the word. Undefined where it isn't one.
 */
export function lastWordPassage(passage: string): string | undefined {
  const match = /^(.* )([a-z]{4,})[.!?]?["'”’]?$/s.exec(passage);
  if (match === null) return undefined;
  const [, context, word] = match;
  const earlier = new RegExp(`\\b${word}\\b`, "i");
  return earlier.test(context) ? context + word : undefined;
}

/** One of each list in turn, until `count` are found or all lists are used up. */
export function interleave<T>(lists: readonly (readonly T[])[], count: number): T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const found: T[] = [];
  for (let i = 0; i < longest; i++) for (const list of lists) if (i < list.length) found.push(list[i]);
  return found.slice(0, count);
}

export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
