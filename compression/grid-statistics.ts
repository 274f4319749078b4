import { dequantized } from "./grid.js";
import type { GridStatistics, RunCodes } from "./method.js";
import { quantizeRun } from "./real-grid.js";

/** Empty statistics of a two-level grid, to be filled. @param runRows -1: one run, all rows */
export function allocateStatistics(rows: number, groups: number, bits: number, runRows: number): GridStatistics {
  const run = runRows === -1 ? rows : runRows;
  const grids = Math.ceil(rows / run) * groups;
  const allocate = (): RunCodes => ({
    codes: new Uint8Array(rows * groups),
    gridScales: new Float32Array(grids),
    gridZeros: new Float32Array(grids),
  });
  return { bits, runRows: run, scales: allocate(), zeros: allocate() };
}

/**
 * Replaces the values of one group's rows by those of their runs' grids, and keeps codes and grids.
 * @param values of rows `firstRow` onwards, which starts a run
 */
export function quantizeInRuns(
  values: Float32Array,
  { bits, runRows }: GridStatistics,
  into: RunCodes,
  firstRow: number,
  group: number,
  groups: number,
): void {
  const codes = new Uint8Array(Math.min(runRows, values.length));
  for (let start = 0; start < values.length; start += runRows) {
    const run = values.subarray(start, start + runRows);
    const { scale, zero } = quantizeRun(run, bits, codes);
    const grid = Math.floor((firstRow + start) / runRows) * groups + group;
    into.gridScales[grid] = scale;
    into.gridZeros[grid] = zero;
    for (let r = 0; r < run.length; r++) into.codes[(firstRow + start + r) * groups + group] = codes[r];
  }
}

/** The values that codes in runs stand for, [rows * groups] */
export function runValues({ codes, gridScales, gridZeros }: RunCodes, groups: number, runRows: number): Float32Array {
  const values = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    const row = Math.floor(i / groups);
    const grid = Math.floor(row / runRows) * groups + (i - row * groups);
    values[i] = dequantized(codes[i], gridScales[grid], gridZeros[grid]);
  }
  return values;
}
