import { ACTIVATION_BYTES, ACTIVATION_DTYPES, type ActivationDtype } from "../study/activation-dtype.js";
import { TouchstoneError } from "../study/errors.js";
import type { RestingValues } from "../tensor/resting-values.js";
import { decodeArrow, encodeArrow } from "./arrow.js";

/** Hidden states of a chunk of calibration sequences, row-major [sequences, tokens, hiddenSize]. */
export interface ActivationChunk {
  sequences: number;
  tokens: number;
  hiddenSize: number;
  dtype: ActivationDtype;
  /** Of 16-bit types the bits. */
  values: RestingValues;
}

/** One row a token: its sequence (counted from `firstSequence`) and its hidden state. Arrow has no bfloat16: its bits are whole numbers there. */
export function encodeActivations(chunk: ActivationChunk, firstSequence: number): Uint8Array {
  const { sequences, tokens, hiddenSize, dtype, values } = chunk;
  const sequence = Int32Array.from(
    { length: sequences * tokens },
    (_, row) => firstSequence + Math.floor(row / tokens),
  );
  return encodeArrow(
    "activations",
    {
      sequence: { kind: "numbers", values: sequence },
      hidden: { kind: "lists", size: hiddenSize, values, halves: dtype === "float16" },
    },
    { sequences: String(sequences), tokens: String(tokens), ...(dtype === "float32" ? {} : { dtype }) },
  );
}

/** @throws TouchstoneError InvalidData when the bytes are not an activation chunk. */
export function decodeActivations(bytes: Uint8Array, where: string): ActivationChunk {
  const table = decodeArrow(bytes, where);
  const [sequences, tokens] = ["sequences", "tokens"].map((key) => Number(table.metadata.get(key)));
  const named = table.metadata.get("dtype") ?? "float32";
  const dtype = ACTIVATION_DTYPES.find((each) => each === named);
  const values = table.numbers("hidden");
  const hiddenSize = table.listSize("hidden");
  const isWhole = sequences * tokens === table.rows;
  const isResting = values instanceof Float32Array || values instanceof Uint16Array;
  if (isWhole && isResting && dtype !== undefined && ACTIVATION_BYTES[dtype] === values.BYTES_PER_ELEMENT)
    return { sequences, tokens, hiddenSize, dtype, values };
  throw new TouchstoneError("InvalidData", { what: "This Arrow file holds no activations", where });
}
