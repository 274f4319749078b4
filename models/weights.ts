import { TouchstoneError } from "../study/errors.js";
import type { HostTensor, HostWeights } from "./model.js";

export interface StoredTensor {
  shape: readonly number[];
  /** As the file format names it. */
  dtype: string;
  /** Whether it can be read as float32. */
  readable: boolean;
}

/** Named weights in files, each read by itself. */
export interface WeightSource {
  /** The file or folder, for errors. */
  readonly where: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The weight as float32. `name` is one of `tensors`. */
  read(name: string): Promise<HostTensor>;
  close(): Promise<void>;
}

/** A weight that a model must have: its name in the files, and its shape by the configuration. */
export interface WantedWeight {
  stored: string;
  shape: readonly number[];
}

/**
 * Checks names, shapes and types, before anything is read.
 * @throws TouchstoneError InvalidModel for a missing weight or an unsupported type, ShapeMismatch
 */
export function checkWeights(source: WeightSource, wanted: Iterable<WantedWeight>): void {
  for (const { stored, shape } of wanted) {
    const where = `${source.where}, tensor ${stored}`;
    const found = source.tensors.get(stored);
    if (found === undefined) {
      throw new TouchstoneError("InvalidModel", {
        what: "A weight that the configuration calls for is missing",
        where,
        todo: "Fetch the model again, or check that its configuration belongs to these weights.",
      });
    }
    if (found.shape.length !== shape.length || found.shape.some((size, axis) => size !== shape[axis])) {
      throw new TouchstoneError("ShapeMismatch", {
        what: `The weight has shape [${found.shape}], but by the configuration it must have [${shape}]`,
        where,
        todo: "Check that the configuration belongs to these weights.",
      });
    }
    if (!found.readable) {
      throw new TouchstoneError("InvalidModel", {
        what: `The weight is stored as ${found.dtype}, which can't be read`,
        where,
        todo: "Convert the model: safetensors with F32, F16 or BF16, or another type that docs/users.md names.",
      });
    }
  }
}

/**
 * Reads weights under the given names.
 * @throws TouchstoneError NumericalError where one has NaN or infinite values
 */
export async function readWeights(
  source: WeightSource,
  wanted: ReadonlyMap<string, WantedWeight>,
): Promise<HostWeights> {
  const read = async ([name, { stored }]: [string, WantedWeight]): Promise<[string, HostTensor]> => {
    const tensor = await source.read(stored);
    if (!allFinite(tensor.data)) {
      throw new TouchstoneError("NumericalError", {
        what: "The weight has NaN or infinite values",
        where: `${source.where}, tensor ${stored}`,
        todo: "Fetch the model again, or take another one.",
      });
    }
    return [name, { ...tensor, dtype: source.tensors.get(stored)?.dtype }];
  };
  return new Map(await Promise.all(Array.from(wanted, read)));
}

/** A value times 0 is 0, or NaN where it is not finite: sums of that need no branch per value. */
export function allFinite(values: Float32Array): boolean {
  const even = values.length & ~3;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < even; i += 4) {
    a += values[i] * 0;
    b += values[i + 1] * 0;
    c += values[i + 2] * 0;
    d += values[i + 3] * 0;
  }
  for (let i = even; i < values.length; i++) a += values[i] * 0;
  return a + b + c + d === 0;
}
