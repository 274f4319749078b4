/** What Python's `str.isspace` calls whitespace: the harness strips texts by it, and `trim` differs in a few characters. */
const WHITESPACE =
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

/** Python's `rstrip`. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && WHITESPACE.includes(text[end - 1])) end--;
  return text.slice(0, end);
}

/** Python's `lstrip`. */
export function stripStart(text: string): string {
  let start = 0;
  while (start < text.length && WHITESPACE.includes(text[start])) start++;
  return text.slice(start);
}

/** Python's `strip`. */
export function strip(text: string): string {
  return stripStart(stripEnd(text));
}

/** Python's `capitalize`: the first character in upper case, all others in lower case. */
export function capitalize(text: string): string {
  const [first = "", ...others] = text;
  const [initial = "", ...rest] = first.toUpperCase();
  return initial + rest.join("").toLowerCase() + others.join("").toLowerCase();
}

/** Unicode code points, as Python counts a text's length. */
export function codePoints(text: string): number {
  return Array.from(text).length;
}

/** Words as the harness counts them, `len(re.split(r"\\s+", text))` in Python: white space at an end makes one more. */
export function countWords(text: string): number {
  let runs = 0;
  for (let i = 0; i < text.length; i++) {
    if (WHITESPACE.includes(text[i]) && (i === 0 || !WHITESPACE.includes(text[i - 1]))) runs++;
  }
  return runs + 1;
}
