import * as tf from "@tensorflow/tfjs-core";
import { takeValues } from "../tensor/linear-algebra.js";
import { type KernelBlock, type KernelPanel, openBlock } from "./column-kernel.js";
import type { Factors } from "./factorisation.js";
import type { Layer } from "./method.js";
import { type BlockVisits, type Places, placeColumns, takeVisited } from "./visited-order.js";

/** Rows that go through a block's columns together: with so few, a block of 128 columns stays in the nearest cache. */
const PANEL_ROWS = 64;

/** Columns whose errors are propagated together. */
const STEP = 4;

/** Columns that earlier errors reach in one product: TensorFlow is near the hardware's limit then, and far from it with a block's. */
const SPAN = 512;

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

/** What a method does with a column in the kernels' memory. */
export interface PanelRule {
  /** At its multiples, this many columns ahead are wanted as they stand: a group's, or the m of n:m. */
  readonly lookAhead: number;
  /** Runs of so many rows are never cut by a panel (default: 1). */
  readonly rowRun?: number;
  beginBlock?(block: Block): void;
  beginPanel?(panel: Panel): void;
  /** Visits a column of a panel: what its weights become is `kept` there. */
  visit(panel: Panel, column: number): void;
}

/**
 * Visits columns by the kernels, panel by panel. Errors of earlier blocks reach a block in products on the compute backend: when its
 * span begins, and when it begins itself.
 */
export function visitPanels(
  layer: Layer,
  factors: Factors,
  blockSize: number,
  rule: PanelRule,
  into: Places,
): BlockVisits {
  const { rows, columns } = layer;
  const errors = new Float32Array(rows * columns);
  let squares = 0;
  const panelRows = wholeRuns(rule.rowRun ?? 1, PANEL_ROWS);
  let span: Span = { start: 0, end: 0, values: into.weight };
  return {
    visit: (start, end) => {
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
      placeColumns(block.current, into.weight, layer, factors, start, end);
      for (const [i, bytes] of into.bytes.entries()) placeColumns(block.bytes[i], bytes, layer, factors, start, end);
    },
    finish: () => squares,
  };
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

/** U inside a block. */
function fillUpper(inside: Float32Array, { upper, columns }: Factors, start: number, end: number): void {
  for (let row = start; row < end; row++) {
    inside.set(upper.subarray(row * columns + start, row * columns + end), (row - start) * (end - start));
  }
}

/** Visits all columns of some rows. @returns the sum of the errors' squares */
function solvePanel(block: KernelBlock, panel: Panel, end: number, rule: PanelRule): number {
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
