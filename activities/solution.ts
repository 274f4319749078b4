import type { SolvedBlock } from "../compression/compress-block.js";

/** A compressed block, of which nothing is stored yet. Who has it disposes its outputs, and ends with the inputs. */
export interface Solution {
  solved: SolvedBlock;
  /** Seconds that weights and inputs took to read. */
  read: number;
  inputs: {
    /** They aren't needed any more. */
    dispose(): void;
    /** The block will be asked for again, or the process is about to be stopped. */
    putBack(): void;
  };
}
