import * as tf from "@tensorflow/tfjs-core";
import { takeValues } from "../tensor/linear-algebra.js";
import { type KernelBlock, type KernelPanel, openBlock } from "./column-kernel.js";
import type { Factors } from "./factorisation.js";
import type { Layer } from "./method.js";

/** Rows that go through a block's columns together: with so few, a block of 128 columns stays in the nearest cache. */
const PANEL_ROWS = 64;

/** Columns whose errors are propagated together. */
const STEP = 4;

/** Columns that earlier errors reach in one product: TensorFlow is near the hardware's limit then, and far from it with a block's. */
const SPAN = 512;

/** Of the sum of squares: what is left of less is too much rounding of float32. */
const LEAST_SHARE = 1e-3;

/** The columns of a block, before any of them is visited. */
export interface Block {
  /** First column, in visited order. */
  start: number;
  /** After the last one. */
  end: number;
  /** Weights as they stand now, of the columns `start .. end - 1` and later ones, row-major [rows, end - start] */
  columns(end: number): Float32Array;
}

/** Some rows of a block's columns. Column j, in visited order, is the panel's column j - start. */
export interface Panel extends KernelPanel {
  firstRow: number;
  rows: number;
  start: number;
}

/** Some blocks' columns: weights less what the errors of all columns before `start` take from them, row-major [rows, end - start] */
interface Span {
  start: number;
  end: number;
  values: Float32Array;
}

/** What a method does with a column: its part of the loop that GPTQ, SpQR and SparseGPT share. */
export interface ColumnRule {
  /** At its multiples, this many columns ahead are wanted as they stand: a group's, or the m of n:m. */
  readonly lookAhead: number;
  /** Runs of so many rows are never cut by a panel (default: 1). */
  readonly rowRun?: number;
  /** Where a panel's bytes go in the end, row-major [rows, columns] in the inputs' own order; up to two. */
  readonly bytes: readonly Uint8Array[];
  beginBlock?(block: Block): void;
  beginPanel?(panel: Panel): void;
  /** Visits a column of a panel: what its weights become is `kept` there. */
  visit(panel: Panel, column: number): void;
}

export interface Solved {
  /** What the weights have become, row-major [rows, columns] in the inputs' own order. */
  weight: Float32Array;
  /** tr((W-Q) H (W-Q)^T); undefined where nearly all of the damped H's is the damping's, so that rounding would drown it */
  error: number | undefined;
}

/**
 * The loop of optimal-brain compression (Frantar et al. 2023, arXiv 2210.17323, section 3.3): columns are visited in order, each
 * column's error e = (w - q) / U[j,j] is taken from the later columns times U[j, j:]. Inside a block this is done at once; those
 * of earlier blocks reach it in products on the compute backend: when its span begins, and when it begins itself.
 *
 * So W - Q = E U, and since the damped H is (U^T U)^-1, the layer's error with the damped H is the sum of e^2; what the damping
 * adds is taken off it again. That costs no product with H.
 */
export function solveColumns(layer: Layer, factors: Factors, blockSize: number, rule: ColumnRule): Solved {
  const { rows, columns } = layer;
  const errors = new Float32Array(rows * columns);
  const weight = new Float32Array(rows * columns);
  let squares = 0;
  const panelRows = wholeRuns(rule.rowRun ?? 1, PANEL_ROWS);
  let span: Span = { start: 0, end: 0, values: weight };
  for (let start = 0; start < columns; start += blockSize) {
    const end = Math.min(columns, start + blockSize);
    if (start >= span.end) span = openSpan(layer, errors, factors, start, start + wholeRuns(blockSize, SPAN));
    const block = openBlock(rows, end - start, panelRows);
    fillCurrent(block.current, span, layer, errors, factors, start, end);
    fillUpper(block.upper, factors, start, end);
    rule.beginBlock?.({
      start,
      end,
      columns: (until) => {
        if (until === end) return block.current;
        return fillCurrent(new Float32Array(rows * (until - start)), span, layer, errors, factors, start, until);
      },
    });
    for (let firstRow = 0; firstRow < rows; firstRow += panelRows) {
      const panel = { ...block.panel, firstRow, rows: Math.min(panelRows, rows - firstRow), start };
      squares += solvePanel(block, panel, end, rule);
    }
    errors.set(block.errors, start * rows);
    placeColumns(block.current, weight, layer, factors, start, end);
    for (const [i, bytes] of rule.bytes.entries()) placeColumns(block.bytes[i], bytes, layer, factors, start, end);
  }
  const error = squares - dampingShare(layer, factors, weight);
  return { weight, error: error > LEAST_SHARE * squares ? error : undefined };
}

/** As many whole runs as there is room for, and one at least. */
function wholeRuns(run: number, room: number): number {
  return run * Math.max(1, Math.floor(room / run));
}

function openSpan(layer: Layer, errors: Float32Array, factors: Factors, start: number, until: number): Span {
  const end = Math.min(factors.columns, until);
  const values = new Float32Array(layer.rows * (end - start));
  takeVisited(values, layer, factors, start, end);
  loseErrors(values, layer.rows, errors, factors, [0, start], [start, end]);
  return { start, end, values };
}

/** Columns `start .. until - 1` less what the errors of all columns before `start` take from them, [rows, until - start]. */
function fillCurrent(
  current: Float32Array,
  span: Span,
  layer: Layer,
  errors: Float32Array,
  factors: Factors,
  start: number,
  until: number,
): Float32Array {
  const isInside = until <= span.end;
  if (isInside) takeColumns(current, span, layer.rows, start, until);
  else takeVisited(current, layer, factors, start, until);
  loseErrors(current, layer.rows, errors, factors, [isInside ? span.start : 0, start], [start, until]);
  return current;
}

function takeColumns(into: Float32Array, span: Span, rows: number, start: number, until: number): void {
  const [width, step] = [until - start, span.end - span.start];
  for (let row = 0, from = start - span.start; row < rows; row++, from += step) {
    into.set(span.values.subarray(from, from + width), row * width);
  }
}

/** Takes what the errors of the columns `first .. last - 1` take from the columns `start .. end - 1`, row-major [rows, end - start]. */
function loseErrors(
  values: Float32Array,
  rows: number,
  errors: Float32Array,
  { columns, upper }: Factors,
  [first, last]: readonly [number, number],
  [start, end]: readonly [number, number],
): void {
  if (first === last) return;
  const width = end - start;
  const above = new Float32Array((last - first) * width);
  for (let row = first; row < last; row++) {
    above.set(upper.subarray(row * columns + start, row * columns + end), (row - first) * width);
  }
  // [width, rows]: the other way round TensorFlow takes half as long again, for the same bits.
  const lost = takeValues(
    tf.tidy(() => {
      const earlier = tf.tensor2d(errors.subarray(first * rows, last * rows), [last - first, rows]);
      return tf.matMul(tf.tensor2d(above, [last - first, width]), earlier, true, false);
    }),
  );
  for (let row = 0, i = 0; row < rows; row++) {
    for (let at = row; at < lost.length; at += rows, i++) values[i] -= lost[at];
  }
}

/** The weights of columns in visited order, those of dead inputs zeroed. */
function takeVisited(
  into: Float32Array,
  { weight, rows, columns }: Layer,
  { order, dead, inOrder }: Factors,
  start: number,
  until: number,
): void {
  const width = until - start;
  for (let row = 0; row < rows; row++) {
    const from = row * columns;
    const to = row * width;
    if (inOrder) into.set(weight.subarray(from + start, from + until), to);
    else for (let j = 0; j < width; j++) into[to + j] = weight[from + order[start + j]];
  }
  for (let j = 0; j < width; j++) {
    if (dead[start + j] === 1) for (let at = j; at < into.length; at += width) into[at] = 0;
  }
}

/** U inside a block. */
function fillUpper(inside: Float32Array, { upper, columns }: Factors, start: number, end: number): void {
  for (let row = start; row < end; row++) {
    inside.set(upper.subarray(row * columns + start, row * columns + end), (row - start) * (end - start));
  }
}

/** Visits all columns of some rows. @returns the sum of the errors' squares */
function solvePanel(block: KernelBlock, panel: Panel, end: number, rule: ColumnRule): number {
  const width = end - panel.start;
  let squares = 0;
  block.begin(panel.firstRow, panel.rows);
  rule.beginPanel?.(panel);
  for (let first = 0, stop = 0; first < width; first = stop) {
    const boundary = rule.lookAhead - ((panel.start + first) % rule.lookAhead);
    stop = Math.min(width, first + Math.min(STEP, boundary));
    for (let j = first; j < stop; j++) {
      rule.visit(panel, panel.start + j);
      squares += block.settle(j, first, stop);
    }
  }
  block.end();
  return squares;
}

/** Puts a block's columns, row-major [rows, end - start], where their inputs are in [rows, columns]. */
function placeColumns<Values extends Float32Array | Uint8Array>(
  from: Values,
  into: Values,
  { rows, columns }: Layer,
  { order, inOrder }: Factors,
  start: number,
  end: number,
): void {
  const width = end - start;
  for (let row = 0; row < rows; row++) {
    const [at, to] = [row * width, row * columns];
    if (inOrder) into.set(from.subarray(at, at + width), to + start);
    else for (let j = 0; j < width; j++) into[to + order[start + j]] = from[at + j];
  }
}

/** What the part of the damped H that isn't H adds to the layer's error: it is diagonal. */
function dampingShare(
  { weight, rows, columns }: Layer,
  { order, dead, ridge }: Factors,
  compressed: Float32Array,
): number {
  const live = new Float64Array(columns);
  order.forEach((input, column) => {
    live[input] = dead[column] === 1 ? 0 : ridge[column];
  });
  return liveShare(weight, compressed, live, rows) + deadShare(compressed, order, dead, ridge);
}

// Functions of their own: a sum that a closure sees too is kept in memory, which takes several times as long.

function liveShare(weight: Float32Array, compressed: Float32Array, live: Float64Array, rows: number): number {
  let share = 0;
  for (let row = 0, i = 0; row < rows; row++) {
    for (let input = 0; input < live.length; input++, i++) {
      const difference = weight[i] - compressed[i];
      share += live[input] * difference * difference;
    }
  }
  return share;
}

/** The weights of dead inputs were taken to be 0. */
function deadShare(compressed: Float32Array, order: Int32Array, dead: Uint8Array, ridge: Float32Array): number {
  const columns = order.length;
  let share = 0;
  for (let column = 0; column < columns; column++) {
    if (dead[column] === 0) continue;
    for (let i = order[column]; i < compressed.length; i += columns) share += ridge[column] * compressed[i] ** 2;
  }
  return share;
}
