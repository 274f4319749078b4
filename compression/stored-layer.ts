import { type ArrowTable, type Column, decodeArrow, encodeArrow } from "../storage/arrow.js";
import type { MethodSettings } from "../study/methods.js";
import { dequantize } from "./groups.js";
import type { CompressedLayer, QuantizedLayer } from "./method.js";
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
 * zero points, and where there are outliers a bitmap of them and their values; pruned: a bitmap of what is kept and the kept values.
 * Lossless: `decodeLayer` gives `weight` bit for bit.
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
    const { bits, groupIndex } = layer.quantized;
    const columnsOfCodes = quantizedColumns(layer.quantized, layer.weight, rows, columns);
    const groups = JSON.stringify(Array.from(groupIndex));
    return encodeArrow("compressed-layer", columnsOfCodes, {
      ...metadata,
      encoding: "codes",
      bits: String(bits),
      groupIndex: groups,
    });
  }
  if (layer.mask !== undefined) {
    const chosen = chosenValues(layer.weight, layer.mask, rows, columns);
    return encodeArrow(
      "compressed-layer",
      { mask: chosen.bitmap, values: chosen.values },
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
    case "codes":
      return decodeQuantized(table, columns);
    case "mask": {
      const mask = unpackCodes(table.numbers("mask") as Uint8Array, table.rows, columns, 1);
      return spread(mask, table.numbers("values") as Float32Array);
    }
    default:
      return table.numbers("weight") as Float32Array;
  }
}

/** Stored bits, without the file's own framing. */
export function storedBits({ weight, quantized, mask }: CompressedLayer): number {
  if (quantized !== undefined) {
    const { bits, codes, scales, zeros, outliers } = quantized;
    const exact = outliers === undefined ? 0 : outliers.length + 32 * count(outliers);
    return codes.length * bits + 32 * (scales.length + zeros.length) + exact;
  }
  return mask === undefined ? 32 * weight.length : mask.length + 32 * count(mask);
}

/** Weights that are exactly zero. */
export function zeroWeights(weight: Float32Array): number {
  let zeros = 0;
  for (let i = 0; i < weight.length; i++) if (weight[i] === 0) zeros++;
  return zeros;
}

function quantizedColumns(
  { bits, codes, scales, zeros, groups, outliers }: QuantizedLayer,
  weight: Float32Array,
  rows: number,
  columns: number,
): Record<string, Column> {
  const grid: Record<string, Column> = {
    codes: { kind: "lists", size: Math.ceil((columns * bits) / 8), values: packCodes(codes, rows, columns, bits) },
    scales: { kind: "lists", size: groups, values: scales },
    zeros: { kind: "lists", size: groups, values: zeros },
  };
  if (outliers === undefined) return grid;
  const { bitmap, values } = chosenValues(weight, outliers, rows, columns);
  return { ...grid, outliers: bitmap, values };
}

function decodeQuantized(table: ArrowTable, columns: number): Float32Array {
  const bits = Number(table.metadata.get("bits"));
  const packed = (name: string, width: number) =>
    unpackCodes(table.numbers(name) as Uint8Array, table.rows, columns, width);
  const layer = {
    bits,
    codes: packed("codes", bits),
    scales: table.numbers("scales") as Float32Array,
    zeros: table.numbers("zeros") as Float32Array,
    groupIndex: Int32Array.from(JSON.parse(table.metadata.get("groupIndex") ?? "[]") as number[]),
    groups: table.listSize("scales"),
  };
  if (!table.names.includes("outliers")) return dequantize(layer);
  const outliers = packed("outliers", 1);
  return dequantize({ ...layer, outliers }, spread(outliers, table.numbers("values") as Float32Array));
}

/** A bitmap of the weights marked 1, and their values. */
function chosenValues(weight: Float32Array, marks: Uint8Array, rows: number, columns: number) {
  const offsets = new Int32Array(rows + 1);
  const values = new Float32Array(count(marks));
  let next = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = row * columns; i < (row + 1) * columns; i++) if (marks[i] === 1) values[next++] = weight[i];
    offsets[row + 1] = next;
  }
  const bitmap: Column = { kind: "lists", size: Math.ceil(columns / 8), values: packCodes(marks, rows, columns, 1) };
  return { bitmap, values: { kind: "ragged", offsets, values } as Column };
}

/** Values back in their places, 0 elsewhere. */
function spread(marks: Uint8Array, values: Float32Array): Float32Array {
  const weight = new Float32Array(marks.length);
  let next = 0;
  for (let i = 0; i < marks.length; i++) if (marks[i] === 1) weight[i] = values[next++];
  return weight;
}

function count(marks: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < marks.length; i++) total += marks[i];
  return total;
}
