import * as tf from "@tensorflow/tfjs-core";
import { takeValues } from "../tensor/linear-algebra.js";
import type { Factors } from "./factorisation.js";
import type { Layer } from "./method.js";

/** Rows that go through a block's columns together: with so few, a block of 128 columns stays in the cache. */
const PANEL_ROWS = 32;

/** Columns whose errors are propagated together; the inner loop is written out for this many. */
const STEP = 4;

/** The columns of a block, before any of them is visited. */
export interface Block {
  /** First column, in visited order. */
  start: number;
  /** After the last one. */
  end: number;
  /** Weights as they stand now, of the columns `start .. end - 1` and later ones; [end - start, rows], columns lie together. */
  columns(end: number): Float32Array;
}

/** Some rows of a block's columns, with the errors of earlier columns propagated to them. */
export interface Panel {
  firstRow: number;
  rows: number;
  /** Row r of column j (visited order) is at (j - start) * height + r; the last panel may have fewer rows than that. */
  start: number;
  height: number;
  values: Float64Array;
}

/** What a method does with a column: its part of the loop that GPTQ, SpQR and SparseGPT share. */
export interface ColumnRule {
  /** At its multiples, this many columns ahead are wanted as they stand: a group's, or the m of n:m. */
  readonly lookAhead: number;
  /** Runs of so many rows are never cut by a panel (default: 1). */
  readonly rowRun?: number;
  beginBlock?(block: Block): void;
  /**
   * Visits a column of a panel: the values are float32 there.
   * @param kept receives what the weights become, [panel.rows]
   */
  visit(panel: Panel, column: number, kept: Float64Array): void;
}

/**
 * The loop of optimal-brain compression (Frantar et al. 2023, arXiv 2210.17323, section 3.3): columns are visited in order, each
 * column's error (w - q) / U[j,j] is taken from the later columns times U[j, j:]. Inside a block this is done at once; the errors
 * of earlier blocks reach a block in one product on the compute backend, when it begins.
 */
export function solveColumns(layer: Layer, factors: Factors, blockSize: number, rule: ColumnRule): void {
  const { rows, columns } = layer;
  const visited = visitedColumns(layer, factors);
  const errors = new Float32Array(visited.length);
  for (let start = 0; start < columns; start += blockSize) {
    const end = Math.min(columns, start + blockSize);
    const block = currentColumns(visited, errors, rows, factors, start, end);
    rule.beginBlock?.({
      start,
      end,
      columns: (until) => (until === end ? block : currentColumns(visited, errors, rows, factors, start, until)),
    });
    solveBlock(block, errors.subarray(start * rows, end * rows), rows, start, end, factors, rule);
  }
}

/** The weight in visited order with dead inputs zeroed, [columns, rows]: columns lie together. By tiles, for the cache. */
export function visitedColumns({ weight, rows }: Layer, { columns, order, dead }: Factors): Float32Array {
  const tile = 32;
  const visited = new Float32Array(weight.length);
  for (let left = 0; left < columns; left += tile) {
    for (let top = 0; top < rows; top += tile) {
      const bottom = Math.min(rows, top + tile);
      for (let column = left; column < Math.min(columns, left + tile); column++) {
        if (dead[column] === 1) continue;
        const input = order[column];
        for (let row = top; row < bottom; row++) visited[column * rows + row] = weight[row * columns + input];
      }
    }
  }
  return visited;
}

/** Columns `start .. until - 1` less what the errors of all columns before `start` take from them, [until - start, rows]. */
function currentColumns(
  visited: Float32Array,
  errors: Float32Array,
  rows: number,
  { columns, upper }: Factors,
  start: number,
  until: number,
): Float32Array {
  const current = visited.slice(start * rows, until * rows);
  if (start === 0) return current;
  const width = until - start;
  const above = new Float32Array(start * width);
  for (let row = 0; row < start; row++) {
    above.set(upper.subarray(row * columns + start, row * columns + until), row * width);
  }
  const lost = takeValues(
    tf.tidy(() => {
      const earlier = tf.tensor2d(errors.subarray(0, start * rows), [start, rows]);
      return tf.matMul(tf.tensor2d(above, [start, width]), earlier, true, false);
    }),
  );
  for (let i = 0; i < current.length; i++) current[i] -= lost[i];
  return current;
}

/** Visits all columns of a block, [end - start, rows]. @param errors is filled, of the same shape */
function solveBlock(
  block: Float32Array,
  errors: Float32Array,
  rows: number,
  start: number,
  end: number,
  { columns, upper }: Factors,
  rule: ColumnRule,
): void {
  const width = end - start;
  const height = panelHeight(rule.rowRun ?? 1);
  const inside = upperInside(upper, columns, start, end);
  const values = new Float64Array(width * height);
  const kept = new Float64Array(height);
  const step = new Float64Array(STEP * height);
  for (let firstRow = 0; firstRow < rows; firstRow += height) {
    const panel: Panel = { firstRow, rows: Math.min(height, rows - firstRow), start, height, values };
    for (let j = 0; j < width; j++) {
      for (let r = 0; r < panel.rows; r++) values[j * height + r] = block[j * rows + firstRow + r];
    }
    for (let first = 0, stop = 0; first < width; first = stop) {
      const boundary = rule.lookAhead - ((start + first) % rule.lookAhead);
      stop = Math.min(width, first + Math.min(STEP, boundary));
      step.fill(0);
      for (let j = first; j < stop; j++) {
        const error = step.subarray((j - first) * height, (j - first + 1) * height);
        visitColumn(panel, j, rule, inside[j * width + j], kept, error);
        for (let k = j + 1; k < stop; k++) propagate(values, height, k, error, inside[j * width + k]);
        for (let r = 0; r < panel.rows; r++) errors[j * rows + firstRow + r] = error[r];
      }
      propagateStep(values, height, step, inside, first, stop, width);
    }
  }
}

/** The least multiple of the run that makes a panel. */
function panelHeight(run: number): number {
  return run * Math.max(1, Math.floor(PANEL_ROWS / run));
}

/** U inside a block, as float64: no conversions in the inner loop. Rows of zeros follow, for the last steps. */
function upperInside(upper: Float32Array, columns: number, start: number, end: number): Float64Array {
  const width = end - start;
  const inside = new Float64Array((width + STEP) * width);
  for (let row = 0; row < width; row++) {
    const from = (start + row) * columns;
    inside.set(upper.subarray(from + start, from + end), row * width);
  }
  return inside;
}

function visitColumn(
  panel: Panel,
  j: number,
  rule: ColumnRule,
  pivot: number,
  kept: Float64Array,
  error: Float64Array,
): void {
  const { values, rows, start, height } = panel;
  const at = j * height;
  for (let r = 0; r < rows; r++) values[at + r] = Math.fround(values[at + r]);
  rule.visit(panel, start + j, kept);
  for (let r = 0; r < rows; r++) error[r] = Math.fround(Math.fround(values[at + r] - kept[r]) / pivot);
}

/** Column k of a panel loses one column's errors. */
function propagate(values: Float64Array, height: number, k: number, error: Float64Array, factor: number): void {
  const at = k * height;
  for (let r = 0; r < height; r++) values[at + r] -= error[r] * factor;
}

/** The columns from `stop` on lose the errors of columns `first .. stop - 1`, two at a time: each error is read once for both. */
function propagateStep(
  values: Float64Array,
  height: number,
  step: Float64Array,
  inside: Float64Array,
  first: number,
  stop: number,
  width: number,
): void {
  for (let k = stop; k < width; k += 2) {
    // The last column may be alone: it is then its own pair, with nothing to lose the second time.
    const pair = k + 1 < width ? k + 1 : k;
    const on = pair === k ? 0 : 1;
    let row = first * width;
    const a = inside[row + k];
    const a2 = inside[row + pair] * on;
    row += width;
    const b = inside[row + k];
    const b2 = inside[row + pair] * on;
    row += width;
    const c = inside[row + k];
    const c2 = inside[row + pair] * on;
    row += width;
    const d = inside[row + k];
    const d2 = inside[row + pair] * on;
    const at = k * height;
    const at2 = pair * height;
    for (let r = 0; r < height; r++) {
      const e = step[r];
      const f = step[height + r];
      const g = step[2 * height + r];
      const h = step[3 * height + r];
      values[at + r] -= e * a + f * b + g * c + h * d;
      values[at2 + r] -= e * a2 + f * b2 + g * c2 + h * d2;
    }
  }
}
