import type { HostWeights, Model } from "../models/model.js";
import { withPlace } from "../study/errors.js";
import type { MethodSettings } from "../study/methods.js";
import type { Unseen } from "../study/results.js";
import type { Shelf, Shelved } from "../tensor/shelf.js";
import { BlockWalk, type GroupInput } from "./block-walk.js";
import { compressLayers } from "./compress-layers.js";
import { type BlockLinear, blockStages } from "./linears.js";
import type { CompressedLayer, LayerStatistics, StatisticsKind } from "./method.js";
import { isTrueSequential, methodOf } from "./registry.js";
import { outputEnergy } from "./solve-error.js";
import { Stopwatch } from "./stopwatch.js";

/** A compressed linear of a block. */
export interface SolvedLayer extends BlockLinear {
  compressed: CompressedLayer;
  /** tr((W-Q) H (W-Q)^T), where the method has H. */
  error: number | null;
  /** tr(W H W^T), where there is an H. */
  energy?: number;
}

/** What is told of a compressed linear. */
export interface DescribedLayer {
  /** Name inside the block. */
  name: string;
  error: number | null;
  /** What the error is a share of; only where the method has H, and not in blocks of earlier versions. */
  energy?: number;
  damping: number | null;
  /** Only where no calibration token reached it. */
  unseen?: Unseen;
}

export function describeLayers(layers: readonly SolvedLayer[]): DescribedLayer[] {
  return layers.map(({ name, error, energy, compressed: { damping = null, unseen } }) => {
    const known = { ...(energy === undefined ? {} : { energy }), ...(unseen === undefined ? {} : { unseen }) };
    return { name, error, damping, ...known };
  });
}

export type BlockPhase = "capture" | "solve" | "forward";

export interface SolvedBlock {
  layers: SolvedLayer[];
  /** The compressed block's outputs for the chunks of `inputs`; the caller disposes them. */
  outputs: Shelved[];
  seconds: Record<BlockPhase, number>;
}

export interface CompressBlockOptions {
  /** For what is between the block's stages, and for its outputs. */
  shelf: Shelf;
  /** Whether outputs are wanted (default: true); after the last block they aren't. */
  outputs?: boolean;
  /** Awaited between pieces of the work: TensorFlow's calls hold up whatever else the process has to do. */
  pause?: () => Promise<void>;
}

/**
 * Compresses all linears of a block, each expert's on the tokens that are routed to it. With `trueSequential` each stage (q,k,v |
 * o | gate,up | down) is compressed on what the stages before it, already compressed, give; otherwise one pass through the dense
 * block collects everything, and methods without data need none. The same inputs give the same bits.
 * @param weights the block's, as `model.block(index)` reads them
 * @param inputs chunks as `chunkSequences` makes them, [sequences, tokens, hiddenSize]; the caller disposes them. May be empty
 *   for methods without data
 * @throws TouchstoneError InvalidSettings, NumericalError naming the tensor and the block
 */
export async function compressBlock(
  model: Model,
  index: number,
  weights: HostWeights,
  inputs: readonly Shelved[],
  settings: MethodSettings,
  { shelf, outputs = true, pause = async () => {} }: CompressBlockOptions,
): Promise<SolvedBlock> {
  const stages = blockStages(model, index);
  const { statistics: kind } = methodOf(settings.method);
  const watch = new Stopwatch<BlockPhase>(["capture", "solve", "forward"]);
  const walk = new BlockWalk(model, index, weights, inputs, shelf);
  const timed = async <T>(phase: BlockPhase, run: () => T | Promise<T>): Promise<T> => {
    const result = await watch.time(phase, run);
    await pause();
    return result;
  };
  const solve = (group: readonly BlockLinear[], statistics: LayerStatistics) =>
    timed("solve", () => solveGroup(walk, group, weights, statistics, settings));
  const layers: SolvedLayer[] = [];
  try {
    const stepwise = kind !== "none" && isTrueSequential(settings);
    const collected = stepwise ? [] : await timed("capture", () => collectAll(walk, kind, stages));
    for (const [i, statistics] of collected.entries()) {
      for (const [g, group] of stages[i].entries()) layers.push(...(await solve(group, statistics[g])));
    }
    for (const [i, stage] of stages.entries()) {
      for (const [g, group] of stepwise ? stage.entries() : []) {
        const statistics = await timed("capture", () => walk.collect(kind, g, inputOf(group)));
        layers.push(...(await solve(group, statistics)));
      }
      if (outputs || (stepwise && i < stages.length - 1)) await timed("forward", () => walk.advance());
    }
    return { layers, outputs: outputs ? walk.takeOutputs() : [], seconds: watch.seconds };
  } catch (error) {
    throw withPlace(error, `block ${index}`);
  } finally {
    walk.dispose();
  }
}

async function collectAll(
  walk: BlockWalk,
  kind: StatisticsKind,
  stages: readonly (readonly (readonly BlockLinear[])[])[],
): Promise<LayerStatistics[][]> {
  if (kind === "none") return stages.map((stage) => stage.map(() => ({ kind })));
  return walk.collectAll(
    kind,
    stages.map((stage) => stage.map(inputOf)),
  );
}

/** The input that linears share. */
function inputOf([{ columns, tensor }]: readonly BlockLinear[]): GroupInput {
  return { columns, where: `inputs of ${tensor}` };
}

function solveGroup(
  walk: BlockWalk,
  group: readonly BlockLinear[],
  weights: HostWeights,
  statistics: LayerStatistics,
  settings: MethodSettings,
): SolvedLayer[] {
  const layers = group.map(({ name, tensor, rows, columns }) => ({
    name: tensor,
    rows,
    columns,
    weight: weights.get(name)!.data,
    dtype: weights.get(name)!.dtype,
  }));
  return compressLayers(layers, statistics, settings).map(({ compressed, error }, i) => {
    const energy = statistics.kind === "secondMoment" ? { energy: outputEnergy(layers[i], statistics.hessian) } : {};
    walk.replace(group[i].name, compressed.weight);
    return { ...group[i], compressed, error, ...energy };
  });
}
