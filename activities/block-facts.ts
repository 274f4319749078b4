import type { DescribedLayer } from "../compression/compress-block.js";

/** What a compressed block's manifest says besides its layers. */
export interface BlockFacts {
  weights: number;
  /** As stored. */
  bits: number;
  zeros: number;
  /** Sum over the layers, where the method has H. */
  error: number | null;
  layers: readonly DescribedLayer[];
  seconds: { read: number; capture: number; solve: number; forward: number };
}
