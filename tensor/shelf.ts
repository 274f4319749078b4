import * as tf from "@tensorflow/tfjs-core";
import { machineMemory } from "../storage/machine-memory.js";
import { openScratch, type Scratch } from "../storage/scratch.js";
import { ACTIVATION_BYTES, type ActivationDtype, DEFAULT_ACTIVATION_DTYPE } from "../study/activation-dtype.js";
import { fromResting, type RestingValues, toResting } from "./resting-values.js";

/** A tensor that rests until it is asked for, in memory or on the disk. Who has it disposes it. */
export interface Shelved {
  readonly shape: tf.Tensor3D["shape"];
  readonly dtype: ActivationDtype;
  /** That it takes where it rests. */
  readonly bytes: number;
  /** The float32 tensor, the caller's own. */
  tensor(): Promise<tf.Tensor3D>;
  /** Its values as they rest, the caller's own. */
  values(): Promise<RestingValues>;
  /** Another hold on the same values. */
  share(): Shelved;
  dispose(): void;
}

/** Keeps tensors in memory as far as it reaches, and the others in a scratch file. */
export interface Shelf {
  /**
   * The tensor is the shelf's from then on, also where it fails. What comes back is rounded to the shelf's type, wherever it rested.
   * @throws TouchstoneError DiskFull; NumericalError where the type can't hold a value
   */
  put(tensor: tf.Tensor3D): Promise<Shelved>;
  /** The same shelf, for tensors that rest in another type. */
  as(dtype: ActivationDtype): Shelf;
}

/** Where values rest. */
interface Place extends Pick<Shelved, "tensor" | "values"> {
  free(): void;
}

/** Bytes of tensors that a process's shelf keeps in memory, where nothing is said. */
export function restingMemory(): number {
  return machineMemory() / 8;
}

/** @param memory bytes of tensors that stay in memory */
export function createShelf(memory = restingMemory()): Shelf {
  const disk = createDisk();
  let resident = 0;
  const inMemory = (bytes: number, { free, ...place }: Place): Place => {
    resident += bytes;
    return {
      ...place,
      free: () => {
        resident -= bytes;
        free();
      },
    };
  };
  const shelfOf = (dtype: ActivationDtype): Shelf => ({
    put: async (tensor) => {
      const { shape, size } = tensor;
      const bytes = size * ACTIVATION_BYTES[dtype];
      const fits = bytes === 0 || resident + bytes <= memory;
      if (fits && dtype === "float32") return held({ shape, dtype, bytes }, inMemory(bytes, tensorPlace(tensor)));
      try {
        const values = toResting(await tensor.data<"float32">(), dtype);
        const place = fits
          ? inMemory(bytes, valuesPlace(values, shape, dtype))
          : await disk.write(values, shape, dtype);
        return held({ shape, dtype, bytes }, place);
      } finally {
        tensor.dispose();
      }
    },
    as: shelfOf,
  });
  return shelfOf(DEFAULT_ACTIVATION_DTYPE);
}

function tensorPlace(tensor: tf.Tensor3D): Place {
  return {
    tensor: async () => tf.clone(tensor),
    // What a tensor gives may be the tensor's own.
    values: async () => (await tensor.data<"float32">()).slice(),
    free: () => tensor.dispose(),
  };
}

function valuesPlace(values: RestingValues, shape: tf.Tensor3D["shape"], dtype: ActivationDtype): Place {
  return {
    tensor: async () => tf.tensor3d(fromResting(values, dtype), shape),
    values: async () => values.slice(),
    free: () => {},
  };
}

/** Counts the holds: with the last one the place is free. */
function held(about: Pick<Shelved, "shape" | "dtype" | "bytes">, { free, ...place }: Place): Shelved {
  let holds = 0;
  const hold = (): Shelved => {
    let isHeld = true;
    holds++;
    return {
      ...about,
      ...place,
      share: hold,
      dispose: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--holds === 0) free();
      },
    };
  };
  return hold();
}

/** A file of places; those that are free are taken by values of the same size. An empty file is given back to the system. */
function createDisk() {
  const free = new Map<number, number[]>();
  let scratch: Promise<Scratch> | undefined;
  let [used, end] = [0, 0];
  const take = (bytes: number): number => {
    used++;
    const known = free.get(bytes)?.pop();
    if (known !== undefined) return known;
    end += bytes;
    return end - bytes;
  };
  const giveBack = (bytes: number, offset: number) => {
    free.set(bytes, [...(free.get(bytes) ?? []), offset]);
    if (--used > 0) return;
    free.clear();
    end = 0;
    void scratch?.then((file) => file.close()).catch(() => {});
    scratch = undefined;
  };
  return {
    write: async (given: RestingValues, shape: tf.Tensor3D["shape"], dtype: ActivationDtype): Promise<Place> => {
      const { buffer, byteOffset, byteLength: bytes, length } = given;
      const offset = take(bytes);
      try {
        scratch ??= openScratch();
        const file = await scratch;
        await file.write(offset, new Uint8Array(buffer, byteOffset, bytes));
        const values = async () => {
          const read = dtype === "float32" ? new Float32Array(length) : new Uint16Array(length);
          await file.read(offset, new Uint8Array(read.buffer));
          return read;
        };
        return {
          tensor: async () => tf.tensor3d(fromResting(await values(), dtype), shape),
          values,
          free: () => giveBack(bytes, offset),
        };
      } catch (error) {
        giveBack(bytes, offset);
        throw error;
      }
    },
  };
}

/** Puts tensors one after the other, so that one is in memory at a time; where one fails, none is left. */
export async function shelveAll(
  tensors: Iterable<tf.Tensor3D> | AsyncIterable<tf.Tensor3D>,
  shelf: Shelf,
): Promise<Shelved[]> {
  const shelved: Shelved[] = [];
  try {
    for await (const tensor of tensors) shelved.push(await shelf.put(tensor));
    return shelved;
  } catch (error) {
    disposeShelved(shelved);
    throw error;
  }
}

export function disposeShelved(shelved: Iterable<Shelved>): void {
  for (const each of shelved) each.dispose();
}
