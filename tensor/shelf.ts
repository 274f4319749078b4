import * as tf from "@tensorflow/tfjs-core";
import { machineMemory } from "../storage/machine-memory.js";
import { openScratch, type Scratch } from "../storage/scratch.js";

/** A float32 tensor that rests until it is asked for, in memory or on the disk. Who has it disposes it. */
export interface Shelved {
  readonly shape: tf.Tensor3D["shape"];
  readonly size: number;
  /** The tensor, the caller's own. */
  tensor(): Promise<tf.Tensor3D>;
  /** Another hold on the same values. */
  share(): Shelved;
  dispose(): void;
}

/** Keeps tensors in memory as far as it reaches, and the others in a scratch file. */
export interface Shelf {
  /** The tensor is the shelf's from then on, also where it fails. @throws TouchstoneError DiskFull */
  put(tensor: tf.Tensor3D): Promise<Shelved>;
}

/** Where values rest. */
interface Place {
  tensor(): Promise<tf.Tensor3D>;
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
  const inMemory = (tensor: tf.Tensor3D, bytes: number): Place => {
    resident += bytes;
    return {
      tensor: async () => tf.clone(tensor),
      free: () => {
        resident -= bytes;
        tensor.dispose();
      },
    };
  };
  return {
    put: async (tensor) => {
      const { shape, size } = tensor;
      const bytes = size * Float32Array.BYTES_PER_ELEMENT;
      const fits = bytes === 0 || resident + bytes <= memory;
      return held(shape, size, fits ? inMemory(tensor, bytes) : await disk.write(tensor, bytes));
    },
  };
}

/** Counts the holds: with the last one the place is free. */
function held(shape: tf.Tensor3D["shape"], size: number, place: Place): Shelved {
  let holds = 0;
  const hold = (): Shelved => {
    let isHeld = true;
    holds++;
    return {
      ...{ shape, size },
      tensor: place.tensor,
      share: hold,
      dispose: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--holds === 0) place.free();
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
    write: async (tensor: tf.Tensor3D, bytes: number): Promise<Place> => {
      const { shape } = tensor;
      const offset = take(bytes);
      try {
        const { buffer, byteOffset } = await tensor.data<"float32">();
        scratch ??= openScratch();
        const file = await scratch;
        await file.write(offset, new Uint8Array(buffer, byteOffset, bytes));
        return {
          tensor: async () => {
            const values = new Float32Array(bytes / Float32Array.BYTES_PER_ELEMENT);
            await file.read(offset, new Uint8Array(values.buffer));
            return tf.tensor3d(values, shape);
          },
          free: () => giveBack(bytes, offset),
        };
      } catch (error) {
        giveBack(bytes, offset);
        throw error;
      } finally {
        tensor.dispose();
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
