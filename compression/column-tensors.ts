import * as tf from "@tensorflow/tfjs-core";
import type { Factors } from "./factorisation.js";
import type { Layer } from "./method.js";
import { takeRows } from "./tensor-grids.js";
import { type BlockVisits, type Places, placeColumns, takeVisited } from "./visited-order.js";

/**
 * What a method does with a column of all rows. Tensors of columns are [columns, rows], in visited order, so that a column lies
 * together. What the rule makes in `begin` is disposed after the layer.
 */
export interface TensorRule {
  /** At its multiples, this many columns ahead are wanted as they stand: a group's, or the m of n:m. */
  readonly lookAhead: number;
  /** Before such a column is visited. @param ahead `count` columns as they stand, the first of them `from` after this one */
  begin(column: number, ahead: (from: number, count: number) => tf.Tensor2D): void;
  /** Visits a column, [1, rows]. */
  visit(value: tf.Tensor2D, column: number): Visited;
  /** After the last column: reads what the rule has on the backend. Results are in their places, and may be put right there. */
  finish(into: Places): void;
}

type Visited = {
  /** What the weights of the column become, [1, rows] */
  kept: tf.Tensor2D;
  /** A byte a weight each, [1, rows] */
  bytes: tf.Tensor2D[];
};

/** A visited column with its differences value - kept, and what is left of the block after it. */
type Settled = Visited & { lost: tf.Tensor2D; later: tf.Tensor2D };

/**
 * Visits columns as tensors: four operations a column beside the rule's, and some a block. Nothing is read from the backend before
 * `finish`. Errors of a block reach all later columns in one product.
 */
export function visitTensors(layer: Layer, factors: Factors, rule: TensorRule, into: Places): BlockVisits {
  const { columns } = layer;
  const upper = tf.tensor2d(factors.upper, [columns, columns]);
  /** From the next block on. */
  let rest = visitedColumns(layer, factors);
  const kept: tf.Tensor2D[] = [];
  const bytesOf = into.bytes.map((): tf.Tensor2D[] => []);
  const squares: tf.Scalar[] = [];

  const visitColumns = (start: number, end: number): Settled[] => {
    const shares = sharesOf(factors, start, end);
    const settled: Settled[] = [];
    let current = tf.slice(rest, 0, end - start);
    for (let column = start; column < end; column++) {
      if (column % rule.lookAhead === 0) {
        // At the start of a block nothing is missing from later blocks' columns either.
        const columnsNow = column === start ? rest : current;
        rule.begin(column, (from, count) => tf.slice(columnsNow, from, count));
      }
      const next = tf.tidy(() => settle(rule, current, shares[column - start], column));
      current.dispose();
      current = next.later;
      settled.push(next);
    }
    return settled;
  };

  return {
    visit: (start, end) => {
      const settled = visitColumns(start, end);
      kept.push(joined(settled.map((column) => column.kept)));
      for (const [i, blocks] of bytesOf.entries()) blocks.push(joined(settled.map(({ bytes }) => bytes[i])));
      const [sum, later] = tf.tidy(() => {
        const errors = tf.div(tf.concat(settled.map(({ lost }) => lost)), pivotsOf(factors, start, end));
        const right = tf.slice(upper, [start, end], [end - start, columns - end]);
        const lost = tf.matMul(right, errors, true, false);
        return [tf.sum<tf.Scalar>(tf.square(errors)), tf.sub<tf.Tensor2D>(tf.slice(rest, end - start), lost)] as const;
      });
      tf.dispose([settled, rest]);
      squares.push(sum);
      rest = later;
    },
    finish: () => {
      const [whole, ...bytes] = [kept, ...bytesOf].map(takeRows);
      placeColumns(whole, into.weight, layer, factors, 0, columns);
      for (const [i, values] of bytes.entries()) placeColumns(values, into.bytes[i], layer, factors, 0, columns);
      rule.finish(into);
      return tf.sum(tf.stack(squares)).dataSync()[0];
    },
  };
}

function joined(columns: tf.Tensor2D[]): tf.Tensor2D {
  return tf.tidy(() => tf.cast(tf.concat(columns), "float32"));
}

/** U[j,j] of columns, [end - start, 1] */
export function pivotsOf({ upper, columns }: Factors, start: number, end: number): tf.Tensor2D {
  const pivots = Float32Array.from({ length: end - start }, (_, j) => upper[(start + j) * (columns + 1)]);
  return tf.tensor2d(pivots, [end - start, 1]);
}

/** The weights [columns, rows], those of dead inputs zeroed. */
function visitedColumns(layer: Layer, factors: Factors): tf.Tensor2D {
  const { rows, columns } = layer;
  const visited = new Float32Array(rows * columns);
  takeVisited(visited, layer, factors, 0, columns);
  return tf.tidy(() => tf.transpose(tf.tensor2d(visited, [rows, columns])));
}

/** For each column of a block U[j, j+1:] / U[j,j], inside the block: what its difference takes from those after it. [later, 1] each */
function sharesOf({ upper, columns }: Factors, start: number, end: number): tf.Tensor2D[] {
  const widths: number[] = [];
  const shares: number[] = [];
  for (let column = start; column < end; column++) {
    const at = column * columns;
    widths.push(end - column - 1);
    for (let later = column + 1; later < end; later++) shares.push(upper[at + later] / upper[at + column]);
  }
  // With one that is left over: there is no tensor of none in a block of one column.
  return tf.tidy(() => tf.split<tf.Tensor2D>(tf.tensor2d([...shares, 0], [shares.length + 1, 1]), [...widths, 1]));
}

/** Visits the first column of `current`, and takes its errors from the others. */
function settle(rule: TensorRule, current: tf.Tensor2D, shares: tf.Tensor2D, column: number): Settled {
  const [value, later] = tf.split<tf.Tensor2D>(current, [1, current.shape[0] - 1]);
  const { kept, bytes } = rule.visit(value, column);
  const lost = tf.sub<tf.Tensor2D>(value, kept);
  return { kept, bytes, lost, later: tf.sub(later, tf.mul(shares, lost)) };
}
