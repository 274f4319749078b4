/** Part of a text, from `start` to before `end`, in UTF-16 units. */
export interface Span {
  start: number;
  end: number;
}

/**
 * Template tag: a context, and where in it the inserted texts stand. They are what a record asks; the words around them are
 * the task's.
 */
export function framed(frame: TemplateStringsArray, ...inserted: string[]): { context: string; texts: Span[] } {
  const texts: Span[] = [];
  const context = frame.reduce((before, words, i) => {
    const text = inserted[i - 1];
    texts.push({ start: before.length, end: before.length + text.length });
    return before + text + words;
  });
  return { context, texts };
}

/** The text with other texts in place of the spans, which are in order and apart from one another. */
export function replaceSpans(text: string, spans: readonly Span[], replacements: readonly string[]): string {
  const { built, rest } = spans.reduce(
    ({ built, rest }, { start, end }, i) => ({ built: built + text.slice(rest, start) + replacements[i], rest: end }),
    { built: "", rest: 0 },
  );
  return built + text.slice(rest);
}
