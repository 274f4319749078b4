import * as tf from "@tensorflow/tfjs-core";
import { openScratch, type Scratch } from "../storage/scratch.js";

/** The hidden states of rows between blocks: in memory as far as it reaches, those of the other rows on the disk. */
export interface HiddenStates {
  /** Keeps those of a row; the tensor is disposed. @throws TouchstoneError DiskFull */
  put(row: number, hidden: tf.Tensor3D): Promise<void>;
  /** The caller's own from then on. */
  take(row: number): Promise<tf.Tensor3D>;
  close(): Promise<void>;
}

/**
 * @param lengths tokens of each row, at most
 * @param memory bytes of hidden states in memory
 */
export function createHiddenStates(lengths: readonly number[], hiddenSize: number, memory: number): HiddenStates {
  const bytes = lengths.map((length) => length * hiddenSize * Float32Array.BYTES_PER_ELEMENT);
  const offsets: number[] = [];
  let total = 0;
  for (const size of bytes) {
    offsets.push(total);
    total += size;
  }
  const isKept = (row: number) => offsets[row] + bytes[row] <= memory;
  const kept = new Map<number, tf.Tensor3D>();
  const shapes = new Map<number, tf.Tensor3D["shape"]>();
  let scratch: Promise<Scratch> | undefined;
  return {
    put: async (row, hidden) => {
      if (isKept(row)) {
        kept.set(row, hidden);
        return;
      }
      shapes.set(row, hidden.shape);
      const values = await hidden.data<"float32">();
      hidden.dispose();
      scratch ??= openScratch();
      await (await scratch).write(offsets[row], new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    },
    take: async (row) => {
      const hidden = kept.get(row);
      if (hidden !== undefined) {
        kept.delete(row);
        return hidden;
      }
      const shape = shapes.get(row);
      if (scratch === undefined || shape === undefined) throw new RangeError(`row ${row} was not put`);
      const values = new Float32Array(shape[1] * hiddenSize);
      await (await scratch).read(offsets[row], new Uint8Array(values.buffer));
      return tf.tensor3d(values, shape);
    },
    close: async () => {
      tf.dispose(Array.from(kept.values()));
      kept.clear();
      await (await scratch)?.close();
      scratch = undefined;
    },
  };
}
