import { TouchstoneError } from "../study/errors.js";

/** @throws TouchstoneError InvalidModel where the bytes are no JSON */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new TouchstoneError(
      "InvalidModel",
      { what: "The file is not JSON; it may be truncated", where, todo: "Fetch it again." },
      { cause },
    );
  }
}

/** Keys whose numbers are whole but spelled as floats, such as `30.0`: `JSON.parse` forgets it, and some readers care. */
export function floatKeys(text: string): ReadonlySet<string> {
  const numbers = Array.from(text.matchAll(/"(\w+)"\s*:\s*(-?\d[\d.eE+-]*)/g));
  return new Set(
    numbers.flatMap(([, key, number]) => (/[.eE]/.test(number) && Number.isInteger(+number) ? [key] : [])),
  );
}

/** JSON, a key a line, in which whole numbers of `floats` are spelled as floats. */
export function formatJson(json: unknown, floats: ReadonlySet<string> = new Set()): string {
  const text = JSON.stringify(json, null, 2);
  return `${text.replace(/"(\w+)": -?\d+(?=,?$)/gm, (line, key) => (floats.has(key) ? `${line}.0` : line))}\n`;
}
