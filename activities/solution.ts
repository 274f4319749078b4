import type { SolvedBlock } from "../compression/compress-block.js";

/** A compressed block, of which nothing is stored yet. Who has it disposes its outputs. */
export interface Solution {
  solved: SolvedBlock;
  /** Seconds that weights and inputs took to read. */
  read: number;
  isLast: boolean;
}
