import { totalmem } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { toTensors } from "../models/forward.js";
import type { BlockState, HostWeights, Model, Stage } from "../models/model.js";
import type { LayerStatistics, StatisticsKind } from "./method.js";
import { type Accumulator, accumulate } from "./statistics.js";

/** Where a chunk is in the block. */
interface ChunkState {
  state: BlockState;
  /** Its input to the stage it stands at, kept from a capture for the step that follows. */
  input?: tf.Tensor3D;
}

/** The input of a stage: its width, and its name for errors. */
export interface StageInput {
  columns: number;
  where: string;
}

/**
 * Chunks on their way through a block, stage by stage, while its linears are replaced. The intermediate states stay in memory, so
 * nothing is computed twice; inputs of a stage are kept between capture and step only within a budget, since those of the
 * down projection are the largest of a model. Recomputed ones have the same bits.
 */
export class BlockWalk {
  private readonly weights: Map<string, tf.Tensor>;
  private readonly chunks: ChunkState[];
  private readonly stages: (tokens: number) => readonly Stage[];
  private stage = 0;

  constructor(
    model: Model,
    index: number,
    weights: HostWeights,
    private readonly given: readonly tf.Tensor3D[],
    private readonly keptInputBytes = memoryBudget(),
  ) {
    this.weights = new Map(toTensors(weights));
    this.chunks = given.map((hidden) => ({ state: { hidden } }));
    this.stages = rememberStages(model, index);
  }

  /** Replaces a linear by a compressed one, row-major of the same shape. */
  replace(name: string, values: Float32Array): void {
    const old = this.weights.get(name)!;
    this.weights.set(name, tf.tensor2d(values, old.shape as [number, number]));
    old.dispose();
  }

  /** Statistics of the present stage's input. */
  collect(kind: StatisticsKind, { columns, where }: StageInput): LayerStatistics {
    const accumulator = accumulate(kind, columns);
    let budget = this.keptInputBytes;
    try {
      for (const chunk of this.chunks) {
        const input = this.inputOf(chunk);
        accumulator.add(input);
        budget -= 4 * input.size;
        if (budget >= 0 || this.isState(input)) chunk.input = input;
        else input.dispose();
      }
      return accumulator.finish(where);
    } finally {
      accumulator.dispose();
    }
  }

  /** Statistics of all stages' inputs in one pass through the block as it is; the chunks stay where they are. */
  collectAll(kind: StatisticsKind, inputs: readonly StageInput[]): LayerStatistics[] {
    const accumulators = inputs.map(({ columns }) => accumulate(kind, columns));
    try {
      for (const { state } of this.chunks) tf.tidy(() => this.passThrough(state, accumulators));
      return accumulators.map((accumulator, i) => accumulator.finish(inputs[i].where));
    } finally {
      for (const accumulator of accumulators) accumulator.dispose();
    }
  }

  /** Takes all chunks past the present stage. */
  advance(): void {
    for (const chunk of this.chunks) {
      const { state } = chunk;
      const input = chunk.input ?? this.inputOf(chunk);
      chunk.input = undefined;
      const stage = this.stageOf(state);
      chunk.state = tf.tidy(() => plain(stage.next(state, input, this.weights)));
      this.release([state.hidden, state.attention, input], chunk.state);
    }
    this.stage++;
  }

  /** The chunks as they stand, now the caller's. */
  takeOutputs(): tf.Tensor3D[] {
    return this.chunks.splice(0).map(({ state }) => state.hidden);
  }

  dispose(): void {
    for (const { state, input } of this.chunks) this.release([state.hidden, state.attention, input]);
    tf.dispose([...this.weights.values()]);
  }

  private passThrough(start: BlockState, accumulators: readonly Accumulator[]): void {
    const stages = this.stages(start.hidden.shape[1]);
    stages.reduce<BlockState>(
      (state, stage, i) =>
        tf.tidy(() => {
          const input = stage.input(state, this.weights);
          accumulators[i].add(input);
          return plain(i === stages.length - 1 ? state : stage.next(state, input, this.weights));
        }),
      start,
    );
  }

  private inputOf({ state }: ChunkState): tf.Tensor3D {
    return tf.tidy(() => this.stageOf(state).input(state, this.weights));
  }

  private stageOf({ hidden }: BlockState): Stage {
    return this.stages(hidden.shape[1])[this.stage];
  }

  private isState(tensor: tf.Tensor): boolean {
    return this.chunks.some(({ state }) => state.hidden === tensor || state.attention === tensor);
  }

  /** Disposes what is neither the caller's nor part of the state that is kept. */
  private release(tensors: readonly (tf.Tensor3D | undefined)[], kept?: BlockState): void {
    const needed = new Set<tf.Tensor | undefined>([...this.given, kept?.hidden, kept?.attention]);
    for (const tensor of new Set(tensors)) if (tensor !== undefined && !needed.has(tensor)) tensor.dispose();
  }
}

/** An eighth of what this process may use. */
function memoryBudget(): number {
  const limit = process.constrainedMemory() ?? 0;
  return (limit > 0 ? Math.min(limit, totalmem()) : totalmem()) / 8;
}

/** The stages' tables depend on the tokens of a sequence, and are made once for each number of them. */
function rememberStages({ architecture, config }: Model, index: number): (tokens: number) => readonly Stage[] {
  const known = new Map<number, readonly Stage[]>();
  return (tokens) => {
    const stages = known.get(tokens) ?? architecture.stages(config, index, tokens);
    known.set(tokens, stages);
    return stages;
  };
}

/** A plain object, as `tf.tidy` wants its results. */
function plain({ hidden, attention }: BlockState): { hidden: tf.Tensor3D; attention?: tf.Tensor3D } {
  return attention === undefined ? { hidden } : { hidden, attention };
}
