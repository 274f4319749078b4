import { totalmem } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { stateTensors, tidyState, toTensors } from "../models/forward.js";
import type { BlockState, HostWeights, Model, Stage } from "../models/model.js";
import type { LayerStatistics, StatisticsKind } from "./method.js";
import { type Accumulator, accumulate } from "./statistics.js";

/** Where a chunk is in the block. */
interface ChunkState {
  state: BlockState;
  /** Its inputs to groups of the stage it stands at, kept from captures for the step that follows. */
  inputs: (tf.Tensor3D | undefined)[];
}

/** The input of a group of linears: its width, and its name for errors. */
export interface GroupInput {
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
  /** Left for the inputs that are kept of the present stage. */
  private bytesLeft: number;

  constructor(
    model: Model,
    index: number,
    weights: HostWeights,
    private readonly given: readonly tf.Tensor3D[],
    private readonly keptInputBytes = memoryBudget(),
  ) {
    this.weights = new Map(toTensors(weights));
    this.chunks = given.map((hidden) => ({ state: { hidden }, inputs: [] }));
    this.stages = rememberStages(model, index);
    this.bytesLeft = keptInputBytes;
  }

  /** Replaces a linear by a compressed one, row-major of the same shape. */
  replace(name: string, values: Float32Array): void {
    const old = this.weights.get(name)!;
    this.weights.set(name, tf.tensor2d(values, old.shape as [number, number]));
    old.dispose();
  }

  /** Statistics of the input of a group of the present stage. */
  collect(kind: StatisticsKind, group: number, { columns, where }: GroupInput): LayerStatistics {
    const accumulator = accumulate(kind, columns);
    try {
      for (const { state, inputs } of this.chunks) {
        const input = this.inputOf(state, group);
        accumulator.add(input, sequencesOf(state));
        this.bytesLeft -= 4 * input.size;
        if (this.bytesLeft >= 0 || this.isState(input)) inputs[group] = input;
        else input.dispose();
      }
      return accumulator.finish(where);
    } finally {
      accumulator.dispose();
    }
  }

  /** Statistics of all inputs, by stage and group, in one pass through the block as it is; the chunks stay where they are. */
  collectAll(kind: StatisticsKind, inputs: readonly (readonly GroupInput[])[]): LayerStatistics[][] {
    const accumulators = inputs.map((stage) => stage.map(({ columns }) => accumulate(kind, columns)));
    try {
      for (const { state } of this.chunks) tf.tidy(() => this.passThrough(state, accumulators));
      return accumulators.map((stage, i) =>
        stage.map((accumulator, group) => accumulator.finish(inputs[i][group].where)),
      );
    } finally {
      for (const accumulator of accumulators.flat()) accumulator.dispose();
    }
  }

  /** Takes all chunks past the present stage. */
  advance(): void {
    for (const chunk of this.chunks) {
      const { state, inputs } = chunk;
      const input = (group: number) => inputs[group] ?? this.inputOf(state, group);
      chunk.state = tidyState(() => this.stageOf(state).next(state, input, this.weights));
      chunk.inputs = [];
      this.release([...stateTensors(state), ...inputs], chunk.state);
    }
    this.stage++;
    this.bytesLeft = this.keptInputBytes;
  }

  /** The chunks as they stand, now the caller's. */
  takeOutputs(): tf.Tensor3D[] {
    return this.chunks.splice(0).map(({ state }) => state.hidden);
  }

  dispose(): void {
    for (const { state, inputs } of this.chunks) this.release([...stateTensors(state), ...inputs]);
    tf.dispose([...this.weights.values()]);
  }

  private passThrough(start: BlockState, accumulators: readonly (readonly Accumulator[])[]): void {
    const stages = this.stages(start.hidden.shape[1]);
    stages.reduce<BlockState>(
      (state, stage, i) =>
        tidyState(() => {
          const inputs = stage.groups.map((group) => tf.tidy(() => group.input(state, this.weights)));
          inputs.forEach((input, group) => {
            accumulators[i][group].add(input, sequencesOf(state));
          });
          return i === stages.length - 1 ? state : stage.next(state, (group) => inputs[group], this.weights);
        }),
      start,
    );
  }

  private inputOf(state: BlockState, group: number): tf.Tensor3D {
    return tf.tidy(() => this.stageOf(state).groups[group].input(state, this.weights));
  }

  private stageOf({ hidden }: BlockState): Stage {
    return this.stages(hidden.shape[1])[this.stage];
  }

  private isState(tensor: tf.Tensor): boolean {
    return this.chunks.some(({ state }) => stateTensors(state).some((part) => part === tensor));
  }

  /** Disposes what is neither the caller's nor part of the state that is kept. */
  private release(tensors: readonly (tf.Tensor3D | undefined)[], kept?: BlockState): void {
    const needed = new Set<tf.Tensor>([...this.given, ...(kept === undefined ? [] : stateTensors(kept))]);
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

function sequencesOf({ hidden }: BlockState): number {
  return hidden.shape[0];
}
