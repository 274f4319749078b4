/** Text that is HTML already. Made by the `html` tag alone, and by `trusted` for what other code has rendered. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = Markup | string | number | null | undefined | readonly Part[];

/**
 * Template tag: every inserted string is escaped, markup is inserted as it is, lists are joined. Fifteen lines in place of a
 * view library, since the page is static and has no components with state.
 */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(strings.reduce((text, string, i) => text + render(parts[i - 1]) + string));
}

export function trusted(text: string): Markup {
  return new Markup(text);
}

function render(part: Part): string {
  if (part === null || part === undefined) return "";
  if (part instanceof Markup) return part.text;
  return typeof part === "object" ? part.map(render).join("") : escapeHtml(String(part));
}

/** Safe in text and in quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}
