import { gridValues, contiguousGroups as runsOf } from "../models/formats/grid-linear.js";
import { fitGrid, type GridOptions } from "./grid.js";
import type { QuantizedLayer } from "./method.js";

/** -1: one group, the whole row. A last group may be shorter. */
export function groupCount(columns: number, groupSize: number): number {
  return groupSize === -1 ? 1 : Math.ceil(columns / groupSize);
}

/** The group of each column of runs of `groupSize`, [columns] */
export function contiguousGroups(columns: number, groupSize: number): Int32Array {
  return runsOf(columns, groupSize === -1 ? columns : groupSize);
}

/** An empty quantized layer, to be filled. */
export function allocateQuantized(rows: number, bits: number, groupIndex: Int32Array, groups: number): QuantizedLayer {
  return {
    bits,
    codes: new Uint8Array(rows * groupIndex.length),
    scales: new Float32Array(rows * groups),
    zeros: new Float32Array(rows * groups),
    groupIndex,
    groups,
  };
}

/** Fits the grids of all groups of a row-major weight [rows, columns], whose groups are contiguous. */
export function fitContiguousGroups(
  weight: Float32Array,
  columns: number,
  groupSize: number,
  options: GridOptions,
  into: QuantizedLayer,
): void {
  const size = groupSize === -1 ? columns : groupSize;
  for (let group = 0; group < into.groups; group++) {
    const from = group * size;
    fitGroup(weight, { width: columns, from, count: Math.min(size, columns - from), group }, options, into);
  }
}

/** Fits a group's grid in each row to the `count` values from column `from` on, of row-major values [rows, width]. */
export function fitGroup(
  values: Float32Array,
  { width, from, count, group }: { width: number; from: number; count: number; group: number },
  options: GridOptions,
  into: QuantizedLayer,
): void {
  for (let start = from, at = group; at < into.scales.length; start += width, at += into.groups) {
    const { scale, zero } = fitGrid(values, start, count, options);
    into.scales[at] = scale;
    into.zeros[at] = zero;
  }
}

/**
 * scale * (code - zero) for every weight, float32 [rows * columns].
 * @param exact the weights that outliers keep, [rows * columns]; needed where there are outliers
 */
export function dequantize(layer: QuantizedLayer, exact?: Float32Array): Float32Array {
  const weight = gridValues(layer);
  const { outliers } = layer;
  if (outliers !== undefined && exact !== undefined) {
    for (let i = 0; i < weight.length; i++) if (outliers[i] === 1) weight[i] = exact[i];
  }
  return weight;
}
