/** What of a text is no prose. */
export interface MarkupFigures {
  /** Addresses that begin with http://, https:// or www. */
  links: number;
  /** Tags and character references of HTML. */
  tags: number;
  /** Share of the characters, white space apart, that are neither letters nor marks on letters. */
  nonLetters: number;
}

export function markupFigures(text: string): MarkupFigures {
  const visible = count(text, /\S/gu);
  return {
    links: count(text, /\b(?:https?:\/\/|www\.)[^\s<>"]+/giu),
    tags: count(text, /<\/?[a-z][a-z0-9-]*(?:\s[^<>]*)?\/?>|&(?:[a-z]{2,8}|#\d{2,6}|#x[0-9a-f]{2,6});/giu),
    nonLetters: visible === 0 ? 0 : count(text, /[^\p{L}\p{M}\s]/gu) / visible,
  };
}

function count(text: string, pattern: RegExp): number {
  return Array.from(text.matchAll(pattern)).length;
}
