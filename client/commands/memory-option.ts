import { InvalidArgumentError } from "commander";
import { automaticMemory } from "../../evaluation/memory.js";
import { MEMORY_MESSAGE, MEMORY_PATTERN, parseMemory } from "../../study/memory.js";

export const MEMORY_HELP = 'memory that scoring may take, e.g. "4GiB"; auto: a share of the machine\'s';

/** Bytes; of `auto` a share of the machine's. (Never undefined, which the command line would make an empty text.) */
export function parseMemoryOption(text: string): number {
  if (!MEMORY_PATTERN.test(text)) throw new InvalidArgumentError(`It ${MEMORY_MESSAGE}.`);
  return parseMemory(text) ?? automaticMemory();
}
