import type { Model, ModelConfig } from "../models/model.js";
import { machineMemory } from "../storage/machine-memory.js";

/** Node.js, TensorFlow's libraries, the tokenizer, and what waits for the garbage collector. */
const PROCESS_BYTES = 500 * 2 ** 20;

/** Of the machine's memory that an evaluation may take by default; compute processes share it. */
const DEFAULT_SHARE = 0.6;

/**
 * Bytes that an evaluation may take where nothing is said: a share of the machine's memory, or of what a container may use,
 * divided among the compute processes (TOUCHSTONE_PROCESSES, which the worker sets).
 */
export function automaticMemory(): number {
  const processes = Math.max(1, Number(process.env.TOUCHSTONE_PROCESSES ?? 1));
  return Math.floor((DEFAULT_SHARE * machineMemory()) / processes);
}

/**
 * What is left of `memory` for the hidden states between blocks, bytes: less the process itself, one block's weights (or the
 * embedding, or the head) as read and as tensors, and what one row of `tokens` tokens needs inside a block.
 * @returns 0 where nothing is left: then all hidden states go through the disk
 */
export function hiddenStateBytes({ architecture, config }: Model, memory: number, tokens: number): number {
  const blocks = Array.from({ length: config.blocks }, (_, index) => architecture.blockShapes(config, index));
  const weights = [...blocks, architecture.embeddingShapes(config), architecture.headShapes(config)].map((shapes) =>
    countValues(shapes.values()),
  );
  const inBlock = tokens * (6 * config.hiddenSize + feedForwardValues(config));
  const others = Float32Array.BYTES_PER_ELEMENT * (2 * Math.max(...weights) + inBlock);
  return Math.max(0, memory - PROCESS_BYTES - others);
}

/** What the feed-forward part holds of a token at once: of experts, one's inner values, and all outputs that are added. */
function feedForwardValues({ hiddenSize, intermediateSize, experts }: ModelConfig): number {
  if (experts === undefined) return 4 * intermediateSize;
  const inner = Math.max(intermediateSize, experts.intermediateSize, experts.sharedIntermediateSize ?? 0);
  return 4 * inner + 3 * experts.perToken * hiddenSize;
}

function countValues(shapes: Iterable<readonly number[]>): number {
  return Array.from(shapes, (shape) => shape.reduce((product, length) => product * length, 1)).reduce(
    (sum, count) => sum + count,
    0,
  );
}
