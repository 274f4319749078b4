import * as tf from "@tensorflow/tfjs-core";
import { tidyState, toTensors } from "../models/forward.js";
import type { BlockState, HostWeights, Model, Stage } from "../models/model.js";
import { DEFAULT_ACTIVATION_DTYPE } from "../study/activation-dtype.js";
import type { Shelf, Shelved } from "../tensor/shelf.js";
import type { LayerStatistics, StatisticsKind } from "./method.js";
import { disposeResting, layDown, type RestingState, restingPlaces, whileAwake } from "./resting-state.js";
import { type Accumulator, accumulate } from "./statistics.js";

/** Where a chunk is in the block. */
interface ChunkState {
  state: RestingState;
  /** Its inputs to groups of the stage it stands at, kept from captures for the step that follows. */
  inputs: (Shelved | undefined)[];
}

/** The input of a group of linears: its width, and its name for errors. */
export interface GroupInput {
  columns: number;
  where: string;
}

/**
 * Chunks on their way through a block, stage by stage, while its linears are replaced. The intermediate states, and the inputs of a
 * stage between capture and step, rest on the shelf, one chunk being in memory at a time: nothing is computed twice.
 */
export class BlockWalk {
  private readonly weights: Map<string, tf.Tensor>;
  private readonly chunks: ChunkState[];
  private readonly stages: (tokens: number) => readonly Stage[];
  /** For what is between stages: a pass forward through the whole block, without rests, gives the same bits. */
  private readonly within: Shelf;
  private stage = 0;

  /**
   * @param given the block's inputs, which stay the caller's
   * @param shelf for the block's outputs, and in float32 for what is between its stages
   */
  constructor(
    model: Model,
    index: number,
    weights: HostWeights,
    given: readonly Shelved[],
    private readonly shelf: Shelf,
  ) {
    this.weights = new Map(toTensors(weights));
    this.chunks = given.map((hidden) => ({ state: { hidden: hidden.share() }, inputs: [] }));
    this.stages = rememberStages(model, index);
    this.within = shelf.as(DEFAULT_ACTIVATION_DTYPE);
  }

  /** Replaces a linear by a compressed one, row-major of the same shape. */
  replace(name: string, values: Float32Array): void {
    const old = this.weights.get(name)!;
    this.weights.set(name, tf.tensor2d(values, old.shape as [number, number]));
    old.dispose();
  }

  /** Statistics of the input of a group of the present stage. */
  async collect(kind: StatisticsKind, group: number, { columns, where }: GroupInput): Promise<LayerStatistics> {
    const accumulator = accumulate(kind, columns);
    try {
      for (const chunk of this.chunks) {
        await whileAwake(chunk.state, async (state) => {
          const input = this.inputOf(state, group);
          accumulator.add(input, sequencesOf(state));
          chunk.inputs[group] = restingPlaces(state, chunk.state).get(input)?.share() ?? (await this.within.put(input));
        });
      }
      return accumulator.finish(where);
    } finally {
      accumulator.dispose();
    }
  }

  /** Statistics of all inputs, by stage and group, in one pass through the block as it is; the chunks stay where they are. */
  async collectAll(kind: StatisticsKind, inputs: readonly (readonly GroupInput[])[]): Promise<LayerStatistics[][]> {
    const accumulators = inputs.map((stage) => stage.map(({ columns }) => accumulate(kind, columns)));
    try {
      for (const chunk of this.chunks) {
        await whileAwake(chunk.state, (state) => tf.tidy(() => this.passThrough(state, accumulators)));
      }
      return accumulators.map((stage, i) =>
        stage.map((accumulator, group) => accumulator.finish(inputs[i][group].where)),
      );
    } finally {
      for (const accumulator of accumulators.flat()) accumulator.dispose();
    }
  }

  /** Takes all chunks past the present stage. */
  async advance(): Promise<void> {
    for (const chunk of this.chunks) {
      const state = await whileAwake(chunk.state, async (before) => {
        const inputs = await Promise.all(chunk.inputs.map((input) => input?.tensor()));
        try {
          const after = tidyState(() =>
            this.stageOf(before).next(before, (group) => inputs[group] ?? this.inputOf(before, group), this.weights),
          );
          return await layDown(after, this.shelfAfter(before), restingPlaces(before, chunk.state));
        } finally {
          tf.dispose(inputs.filter((input) => input !== undefined));
        }
      });
      disposeChunk(chunk);
      Object.assign(chunk, { state, inputs: [] });
    }
    this.stage++;
  }

  /** The chunks as they stand, now the caller's. */
  takeOutputs(): Shelved[] {
    return this.chunks.splice(0).map(({ state }) => state.hidden);
  }

  dispose(): void {
    this.chunks.forEach(disposeChunk);
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

  private shelfAfter({ hidden }: BlockState): Shelf {
    return this.stage === this.stages(hidden.shape[1]).length - 1 ? this.shelf : this.within;
  }

  private stageOf({ hidden }: BlockState): Stage {
    return this.stages(hidden.shape[1])[this.stage];
  }
}

function disposeChunk({ state, inputs }: ChunkState): void {
  disposeResting(state);
  for (const input of inputs) input?.dispose();
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
