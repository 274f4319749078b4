import * as tf from "@tensorflow/tfjs-core";
import { stateTensors } from "../models/forward.js";
import type { BlockState } from "../models/model.js";
import type { Shelf, Shelved } from "../tensor/shelf.js";

const TENSORS = ["hidden", "attention"] as const;
type TensorPart = (typeof TENSORS)[number];

/** A chunk's state between stages, its tensors on a shelf. */
export type RestingState = Omit<BlockState, TensorPart> & {
  readonly [Part in keyof Pick<BlockState, TensorPart>]: Shelved;
};

/** Gives `work` the state with tensors, which are disposed when it has ended or failed. */
export async function whileAwake<T>(state: RestingState, work: (awake: BlockState) => T | Promise<T>): Promise<T> {
  const awake = await wake(state);
  try {
    return await work(awake);
  } finally {
    tf.dispose(stateTensors(awake));
  }
}

async function wake(state: RestingState): Promise<BlockState> {
  const { hidden, attention, ...rest } = state;
  return {
    ...rest,
    hidden: await hidden.tensor(),
    ...(attention === undefined ? {} : { attention: await attention.tensor() }),
  };
}

/**
 * Lays a state down: its tensors are the shelf's from then on, but for those that rest already and are shared.
 * @throws TouchstoneError DiskFull; then nothing of it is on the shelf
 */
export async function layDown(
  state: BlockState,
  shelf: Shelf,
  resting: ReadonlyMap<tf.Tensor, Shelved>,
): Promise<RestingState> {
  const { hidden, attention, ...rest } = state;
  const put = async (tensor: tf.Tensor3D) => resting.get(tensor)?.share() ?? (await shelf.put(tensor));
  const first = await put(hidden);
  try {
    return { ...rest, hidden: first, ...(attention === undefined ? {} : { attention: await put(attention) }) };
  } catch (error) {
    first.dispose();
    throw error;
  }
}

/** Where the tensors of a state rest. */
export function restingPlaces(awake: BlockState, resting: RestingState): Map<tf.Tensor, Shelved> {
  return new Map(
    TENSORS.flatMap((part) => {
      const [tensor, place] = [awake[part], resting[part]];
      return tensor === undefined || place === undefined ? [] : [[tensor, place] as const];
    }),
  );
}

export function disposeResting(state: RestingState): void {
  for (const part of TENSORS) state[part]?.dispose();
}
