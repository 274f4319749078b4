import { InvalidArgumentError } from "commander";
import { MEMORY_MESSAGE, MEMORY_PATTERN, parseMemory } from "../../study/memory.js";

export const MEMORY_HELP = 'memory that scoring may take, e.g. "4GiB"; auto: a share of the machine\'s';

/** Bytes; undefined for `auto`. */
export function parseMemoryOption(text: string): number | undefined {
  if (!MEMORY_PATTERN.test(text)) throw new InvalidArgumentError(`It ${MEMORY_MESSAGE}.`);
  return parseMemory(text);
}
