import { CHUNK_TOKENS } from "../models/forward.js";
import type { Model } from "../models/model.js";
import { blockLinears } from "./linears.js";

/** Node.js, TensorFlow's libraries, and what waits for the garbage collector. */
const PROCESS_BYTES = 2 ** 30;
/** Of a block's float32 weights: as read, as tensors, and compressed with their codes. */
const WEIGHT_COPIES = 3.25;
/** Of a second moment: its bands, the whole of it, what is factorised, and the factor. */
const MOMENT_COPIES = 3.5;

/**
 * What is left of `memory` for hidden states that rest while a block is compressed, bytes: less the process itself, the block's
 * weights, the largest second moment, and what a chunk needs inside the block.
 * @returns 0 where nothing is left: then they rest on the disk
 */
export function shelfBytes(model: Pick<Model, "architecture" | "config">, memory: number): number {
  const { hiddenSize, intermediateSize } = model.config;
  const linears = blockLinears(model, 0).flat();
  const weights = linears.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const columns = Math.max(...linears.map((linear) => linear.columns));
  const chunk = CHUNK_TOKENS * (6 * hiddenSize + 4 * intermediateSize);
  const others = WEIGHT_COPIES * weights + MOMENT_COPIES * columns ** 2 + chunk;
  return Math.max(0, memory - PROCESS_BYTES - others * Float32Array.BYTES_PER_ELEMENT);
}
