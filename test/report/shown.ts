/** A page's markup as people see it: without links, and without what the tags of entries say of them. */
export function shown(html: string): string {
  return html.replace(/<\/?a\b[^>]*>/g, "").replace(/<(td|th)\b[^>]*>/g, "<$1>");
}
