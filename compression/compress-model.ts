import { chunkSequences, embedEach } from "../models/forward.js";
import type { HostTensor, HostWeights, Model } from "../models/model.js";
import { TouchstoneError } from "../study/errors.js";
import type { MethodSettings } from "../study/methods.js";
import { createShelf, disposeShelved, type Shelf, type Shelved, shelveAll } from "../tensor/shelf.js";
import {
  type BlockPhase,
  compressBlock,
  type DescribedLayer,
  describeLayers,
  type SolvedLayer,
} from "./compress-block.js";
import { checkModelSettings } from "./linears.js";
import { methodOf } from "./registry.js";

/** Where a compressed model goes, block by block in order. */
export interface BlockSink {
  /** @param weights all of the block's, the compressed linears in place of the dense ones */
  writeBlock(index: number, weights: HostWeights, layers: readonly SolvedLayer[]): Promise<void>;
}

export interface CompressionReport {
  seconds: number;
  /** Seconds; `forward` has the embedding too. What is left of `seconds` went into reading weights. */
  phases: Record<BlockPhase | "write", number>;
  blocks: {
    index: number;
    seconds: number;
    layers: DescribedLayer[];
  }[];
}

export interface CompressModelOptions {
  /** Called after each block. */
  onProgress?(done: number, total: number): void;
  /** For hidden states. */
  shelf?: Shelf;
}

/**
 * Compresses a model in this process, one block's weights in memory at a time.
 * @param sequences token ids; methods without data leave them unread
 * @throws TouchstoneError InvalidSettings before anything is computed; InvalidData where a method needs data and there are none;
 *   TokenizerMismatch; NumericalError naming the tensor
 */
export async function compressModel(
  model: Model,
  sequences: readonly Int32Array[],
  settings: MethodSettings,
  sink: BlockSink,
  { onProgress = () => {}, shelf = createShelf() }: CompressModelOptions = {},
): Promise<CompressionReport> {
  checkModelSettings(model, settings);
  const started = performance.now();
  const report: CompressionReport = { seconds: 0, phases: { capture: 0, solve: 0, forward: 0, write: 0 }, blocks: [] };
  let hidden = await embedFor(model, sequences, settings, shelf);
  report.phases.forward += since(started);
  try {
    for (let index = 0; index < model.config.blocks; index++) {
      const { outputs, phases, ...block } = await compressInto(sink, model, index, hidden, settings, shelf);
      disposeShelved(hidden);
      hidden = outputs;
      addPhases(report.phases, phases);
      report.blocks.push({ index, ...block });
      onProgress(index + 1, model.config.blocks);
    }
  } finally {
    disposeShelved(hidden);
  }
  report.seconds = since(started);
  return report;
}

/** A block. A function of its own: what a loop's body has held stays in memory until the next round has as much again. */
async function compressInto(
  sink: BlockSink,
  model: Model,
  index: number,
  hidden: readonly Shelved[],
  settings: MethodSettings,
  shelf: Shelf,
) {
  const started = performance.now();
  const weights = await model.block(index);
  const isLast = index === model.config.blocks - 1;
  const solved = await compressBlock(model, index, weights, hidden, settings, { shelf, outputs: !isLast });
  const writing = performance.now();
  try {
    await sink.writeBlock(index, replaced(weights, solved.layers), solved.layers);
  } catch (error) {
    disposeShelved(solved.outputs);
    throw error;
  }
  const phases = { ...solved.seconds, write: since(writing) };
  return { outputs: solved.outputs, phases, seconds: since(started), layers: describeLayers(solved.layers) };
}

/** Block 0's inputs; none for methods without data. */
async function embedFor(
  model: Model,
  sequences: readonly Int32Array[],
  { method }: MethodSettings,
  shelf: Shelf,
): Promise<Shelved[]> {
  if (methodOf(method).statistics === "none") return [];
  if (sequences.length > 0) return shelveAll(embedEach(model, chunkSequences(sequences)), shelf);
  throw new TouchstoneError("InvalidData", {
    what: `Method ${method} needs calibration sequences, and there are none`,
    where: model.path,
    todo: "Give a calibration set.",
  });
}

/** A block's weights with its linears replaced. */
export function replaced(weights: HostWeights, layers: readonly SolvedLayer[]): HostWeights {
  const linears = layers.map(({ name, rows, columns, compressed }) => {
    return [name, { shape: [rows, columns], data: compressed.weight }] as const;
  });
  return new Map<string, HostTensor>([...weights, ...linears]);
}

function addPhases<Phase extends string>(total: Record<Phase, number>, more: Record<Phase, number>): void {
  for (const phase of Object.keys(total) as Phase[]) total[phase] += more[phase];
}

function since(started: number): number {
  return (performance.now() - started) / 1000;
}
