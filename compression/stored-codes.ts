import { contiguousSize } from "../models/formats/grid-linear.js";
import { unpackCodes } from "../models/formats/packing.js";
import type { ArrowTable, Column } from "../storage/arrow.js";
import { runValues } from "./grid-statistics.js";
import { contiguousGroups, dequantize } from "./groups.js";
import type { GridStatistics, QuantizedLayer } from "./method.js";
import { markedValues, packedColumn, spread } from "./stored-mask.js";

/** What a column number is stored in, where the layer has no more columns than it can count. */
const SHORT_COLUMNS = 2 ** 16;

/**
 * Codes packed `bits` a weight, with the grids of each row: scales and zero points in float32, or in SpQR's two levels as codes of
 * `statisticsBits`, whose own grids (float32, for the groups of a run of rows) are in the row that begins the run. Outliers are
 * sparse: columns and values.
 */
export function codeColumns(
  layer: QuantizedLayer,
  weight: Float32Array,
  rows: number,
  columns: number,
): Record<string, Column> {
  const { bits, codes, scales, zeros, groups, statistics, outliers } = layer;
  return {
    codes: packedColumn(codes, rows, columns, bits),
    ...(statistics === undefined
      ? {
          scales: { kind: "lists", size: groups, values: scales },
          zeros: { kind: "lists", size: groups, values: zeros },
        }
      : statisticsColumns(statistics, rows, groups)),
    ...(outliers === undefined ? {} : outlierColumns(outliers, weight, rows, columns)),
  };
}

/** What `codeColumns` doesn't say. */
export function codeMetadata({ bits, groupIndex, groups, statistics }: QuantizedLayer): Record<string, string> {
  const groupSize = contiguousSize(groupIndex);
  return {
    bits: String(bits),
    groups: String(groups),
    ...(groupSize === undefined
      ? { groupIndex: JSON.stringify(Array.from(groupIndex)) }
      : { groupSize: String(groupSize) }),
    ...(statistics === undefined
      ? {}
      : { statisticsBits: String(statistics.bits), statisticsRows: String(statistics.runRows) }),
  };
}

/** The inverse of both. */
export function readCodes(table: ArrowTable, columns: number): { weight: Float32Array; quantized: QuantizedLayer } {
  const { rows, metadata } = table;
  const number = (key: string) => Number(metadata.get(key));
  const [bits, indices] = [number("bits"), metadata.get("groupIndex")];
  // First, since it checks the number of columns, which is only said.
  const codes = unpackCodes(table.numbers("codes") as Uint8Array, rows, columns, bits);
  const groupIndex =
    indices === undefined
      ? contiguousGroups(columns, number("groupSize"))
      : Int32Array.from(JSON.parse(indices) as number[]);
  const layer: QuantizedLayer = { bits, codes, groupIndex, ...readGrids(table) };
  if (table.names.includes("outliers")) {
    // As layers were stored before columns of outliers were.
    const outliers = unpackCodes(table.numbers("outliers") as Uint8Array, rows, columns, 1);
    return withOutliers({ ...layer, outliers }, spread(outliers, table.numbers("values") as Float32Array));
  }
  if (!table.names.includes("outlierColumns")) return { weight: dequantize(layer), quantized: layer };
  const [outliers, exact] = [new Uint8Array(codes.length), new Float32Array(codes.length)];
  const offsets = table.offsets("outlierColumns");
  const [inputs, values] = [table.numbers("outlierColumns"), table.numbers("outlierValues")];
  for (let row = 0; row < rows; row++) {
    for (let i = offsets[row]; i < offsets[row + 1]; i++) {
      outliers[row * columns + inputs[i]] = 1;
      exact[row * columns + inputs[i]] = values[i];
    }
  }
  return withOutliers({ ...layer, outliers }, exact);
}

function withOutliers(quantized: QuantizedLayer, exact: Float32Array) {
  return { weight: dequantize(quantized, exact), quantized };
}

function readGrids(table: ArrowTable): Pick<QuantizedLayer, "scales" | "zeros" | "groups" | "statistics"> {
  const { metadata, rows } = table;
  const statisticsBits = metadata.get("statisticsBits");
  if (statisticsBits === undefined) {
    const [scales, zeros] = ["scales", "zeros"].map((name) => table.numbers(name) as Float32Array);
    return { scales, zeros, groups: table.listSize("scales") };
  }
  const [bits, groups, runRows] = [
    Number(statisticsBits),
    ...["groups", "statisticsRows"].map((k) => Number(metadata.get(k))),
  ];
  const codes = (name: string) => unpackCodes(table.numbers(name) as Uint8Array, rows, groups, bits);
  const [scaleCodes, zeroCodes] = [codes("scaleCodes"), codes("zeroCodes")];
  const [a, b, c, d] = unzip(table.numbers("grids") as Float32Array, groups, 4);
  const statistics: GridStatistics = {
    bits,
    runRows,
    scales: { codes: scaleCodes, gridScales: a, gridZeros: b },
    zeros: { codes: zeroCodes, gridScales: c, gridZeros: d },
  };
  return {
    groups,
    statistics,
    scales: runValues(statistics.scales, groups, runRows),
    zeros: runValues(statistics.zeros, groups, runRows),
  };
}

function statisticsColumns(
  { bits, runRows, scales, zeros }: GridStatistics,
  rows: number,
  groups: number,
): Record<string, Column> {
  const offsets = Int32Array.from({ length: rows + 1 }, (_, row) => 4 * groups * Math.ceil(row / runRows));
  const grids = [scales.gridScales, scales.gridZeros, zeros.gridScales, zeros.gridZeros];
  return {
    scaleCodes: packedColumn(scales.codes, rows, groups, bits),
    zeroCodes: packedColumn(zeros.codes, rows, groups, bits),
    grids: { kind: "ragged", offsets, values: zip(grids, groups) },
  };
}

function outlierColumns(
  outliers: Uint8Array,
  weight: Float32Array,
  rows: number,
  columns: number,
): Record<string, Column> {
  const { offsets, values } = markedValues(weight, outliers, rows, columns);
  const inputs = columns <= SHORT_COLUMNS ? new Uint16Array(values.length) : new Int32Array(values.length);
  for (let i = 0, next = 0; i < outliers.length; i++) if (outliers[i] === 1) inputs[next++] = i % columns;
  return {
    outlierColumns: { kind: "ragged", offsets, values: inputs },
    outlierValues: { kind: "ragged", offsets, values },
  };
}

/** Run by run: the groups' values of each of the arrays [runs * groups] in turn. */
function zip(arrays: readonly Float32Array[], groups: number): Float32Array {
  const [{ length }] = arrays;
  const values = new Float32Array(arrays.length * length);
  for (let run = 0, next = 0; run < length; run += groups) {
    for (const array of arrays) {
      values.set(array.subarray(run, run + groups), next);
      next += groups;
    }
  }
  return values;
}

/** The inverse of `zip`. */
function unzip(values: Float32Array, groups: number, count: number): Float32Array[] {
  const arrays = Array.from({ length: count }, () => new Float32Array(values.length / count));
  for (let run = 0, next = 0; next < values.length; run += groups) {
    for (const array of arrays) {
      array.set(values.subarray(next, next + groups), run);
      next += groups;
    }
  }
  return arrays;
}
