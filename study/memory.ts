/** An amount of memory in specifications and on the command line: `4GiB`, `512MiB`; or `auto`. */
export const MEMORY_PATTERN = /^(auto|\d+(\.\d+)?(MiB|GiB))$/;

export const MEMORY_MESSAGE = 'must be auto, or an amount such as "4GiB" or "512MiB"';

/** Bytes; undefined for `auto`. @param text of the pattern above */
export function parseMemory(text: string): number | undefined {
  if (text === "auto") return undefined;
  return Math.floor(Number.parseFloat(text) * 2 ** (text.endsWith("GiB") ? 30 : 20));
}
