import { TouchstoneError } from "../study/errors.js";
import { decodeArrow, encodeArrow } from "./arrow.js";

/** Hidden states of a chunk of calibration sequences, row-major [sequences, tokens, hiddenSize]. */
export interface ActivationChunk {
  sequences: number;
  tokens: number;
  hiddenSize: number;
  values: Float32Array;
}

/** One row a token: its sequence (counted from `firstSequence`) and its hidden state. */
export function encodeActivations(chunk: ActivationChunk, firstSequence: number): Uint8Array {
  const { sequences, tokens, hiddenSize, values } = chunk;
  const sequence = Int32Array.from(
    { length: sequences * tokens },
    (_, row) => firstSequence + Math.floor(row / tokens),
  );
  return encodeArrow(
    "activations",
    {
      sequence: { kind: "numbers", values: sequence },
      hidden: { kind: "lists", size: hiddenSize, values },
    },
    { sequences: String(sequences), tokens: String(tokens) },
  );
}

/** @throws TouchstoneError InvalidData when the bytes are not an activation chunk. */
export function decodeActivations(bytes: Uint8Array, where: string): ActivationChunk {
  const table = decodeArrow(bytes, where);
  const [sequences, tokens] = ["sequences", "tokens"].map((key) => Number(table.metadata.get(key)));
  const values = table.numbers("hidden");
  if (sequences * tokens !== table.rows || !(values instanceof Float32Array)) {
    throw new TouchstoneError("InvalidData", { what: "This Arrow file holds no activations", where });
  }
  return { sequences, tokens, hiddenSize: table.listSize("hidden"), values };
}
