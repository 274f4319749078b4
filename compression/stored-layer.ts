import { decodeArrow, encodeArrow } from "../storage/arrow.js";
import type { MethodSettings } from "../study/methods.js";
import type { CompressedLayer } from "./method.js";
import { packCodes, unpackCodes } from "./packing.js";

export interface StoredLayerDescription {
  name: string;
  rows: number;
  columns: number;
  settings: MethodSettings;
  /** tr((W-Q) H (W-Q)^T), where the method has H. */
  error: number | null;
}

/**
 * One row an output channel. Quantized: codes packed `bits` a weight (least significant bit first), with the row's scales and
 * zero points; pruned: a bitmap of what is kept and the kept values. Lossless: `decodeLayer` gives `weight` bit for bit.
 */
export function encodeLayer(layer: CompressedLayer, description: StoredLayerDescription): Uint8Array {
  const { rows, columns } = description;
  const metadata = {
    layer: description.name,
    columns: String(columns),
    settings: JSON.stringify(description.settings),
    error: String(description.error),
    damping: String(layer.damping ?? null),
  };
  if (layer.quantized !== undefined) {
    const { bits, codes, scales, zeros, groups, groupIndex } = layer.quantized;
    return encodeArrow(
      "compressed-layer",
      {
        codes: { kind: "lists", size: Math.ceil((columns * bits) / 8), values: packCodes(codes, rows, columns, bits) },
        scales: { kind: "lists", size: groups, values: scales },
        zeros: { kind: "lists", size: groups, values: zeros },
      },
      { ...metadata, encoding: "codes", bits: String(bits), groupIndex: JSON.stringify(Array.from(groupIndex)) },
    );
  }
  if (layer.mask !== undefined) {
    const { values, offsets } = keptValues(layer.weight, layer.mask, rows, columns);
    return encodeArrow(
      "compressed-layer",
      {
        mask: { kind: "lists", size: Math.ceil(columns / 8), values: packCodes(layer.mask, rows, columns, 1) },
        values: { kind: "ragged", offsets, values },
      },
      { ...metadata, encoding: "mask" },
    );
  }
  return encodeArrow(
    "compressed-layer",
    { weight: { kind: "lists", size: columns, values: layer.weight } },
    { ...metadata, encoding: "dense" },
  );
}

/** The weights that a stored layer stands for, row-major [rows * columns]. @throws TouchstoneError InvalidData */
export function decodeLayer(bytes: Uint8Array, where: string): Float32Array {
  const table = decodeArrow(bytes, where);
  const columns = Number(table.metadata.get("columns"));
  switch (table.metadata.get("encoding")) {
    case "codes": {
      const bits = Number(table.metadata.get("bits"));
      const codes = unpackCodes(table.numbers("codes") as Uint8Array, table.rows, columns, bits);
      const groupIndex = Int32Array.from(JSON.parse(table.metadata.get("groupIndex") ?? "[]") as number[]);
      const groups = table.listSize("scales");
      return dequantize(
        codes,
        table.numbers("scales") as Float32Array,
        table.numbers("zeros") as Float32Array,
        groupIndex,
        groups,
      );
    }
    case "mask": {
      const mask = unpackCodes(table.numbers("mask") as Uint8Array, table.rows, columns, 1);
      return scatter(mask, table.numbers("values") as Float32Array);
    }
    default:
      return table.numbers("weight") as Float32Array;
  }
}

/** Stored bits a weight, without the file's own framing. */
export function storedBits(layer: CompressedLayer): number {
  if (layer.quantized !== undefined) {
    const { bits, codes, scales, zeros } = layer.quantized;
    return codes.length * bits + 32 * (scales.length + zeros.length);
  }
  if (layer.mask === undefined) return 32 * layer.weight.length;
  return layer.mask.length + 32 * layer.mask.reduce((sum, kept) => sum + kept, 0);
}

/** Share of weights that are exactly zero. */
export function zeroWeights(weight: Float32Array): number {
  let zeros = 0;
  for (let i = 0; i < weight.length; i++) if (weight[i] === 0) zeros++;
  return zeros;
}

function dequantize(
  codes: Uint8Array,
  scales: Float32Array,
  zeros: Float32Array,
  groupIndex: Int32Array,
  groups: number,
): Float32Array {
  const columns = groupIndex.length;
  const weight = new Float32Array(codes.length);
  for (let row = 0, i = 0; i < codes.length; row++) {
    for (let column = 0; column < columns; column++, i++) {
      const group = row * groups + groupIndex[column];
      weight[i] = scales[group] * Math.fround(codes[i] - zeros[group]);
    }
  }
  return weight;
}

function keptValues(weight: Float32Array, mask: Uint8Array, rows: number, columns: number) {
  const offsets = new Int32Array(rows + 1);
  const values = new Float32Array(mask.reduce((sum, kept) => sum + kept, 0));
  let next = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = row * columns; i < (row + 1) * columns; i++) if (mask[i] === 1) values[next++] = weight[i];
    offsets[row + 1] = next;
  }
  return { values, offsets };
}

function scatter(mask: Uint8Array, values: Float32Array): Float32Array {
  const weight = new Float32Array(mask.length);
  let next = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i] === 1) weight[i] = values[next++];
  return weight;
}
