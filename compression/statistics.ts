import * as tf from "@tensorflow/tfjs-core";
import { allFinite } from "../models/weights.js";
import { TouchstoneError } from "../study/errors.js";
import type { LayerStatistics, StatisticsKind } from "./method.js";

/** Collects what a method wants to know about one input, chunk by chunk. */
export interface Accumulator {
  /**
   * Adds whole sequences, [sequences, tokens, in], of which none need have tokens; doesn't dispose them.
   * @param sequences how many they are, where the tokens that reached the input don't stand by sequence
   */
  add(input: tf.Tensor3D, sequences?: number): void;
  /** Ends the collection: `unseen` where there was no token. @throws TouchstoneError NumericalError naming `where` for NaN or infinite inputs */
  finish(where: string): LayerStatistics;
  /** For a collection that is given up; harmless after `finish`. */
  dispose(): void;
}

export function accumulate(kind: StatisticsKind, columns: number): Accumulator {
  switch (kind) {
    case "none":
      return { add: () => {}, finish: () => ({ kind }), dispose: () => {} };
    case "inputNorms":
      return accumulateNorms(columns);
    case "secondMoment":
      return accumulateSecondMoment(columns);
  }
}

/** @throws RangeError where other statistics were collected: a mistake of the program */
export function inputNorms(statistics: LayerStatistics): Float32Array {
  if (statistics.kind !== "inputNorms") throw new RangeError(`input norms are needed, not ${statistics.kind}`);
  return statistics.meanSquares;
}

/** @throws RangeError where other statistics were collected: a mistake of the program */
export function secondMoment(statistics: LayerStatistics): Float32Array {
  if (statistics.kind !== "secondMoment") throw new RangeError(`a second moment is needed, not ${statistics.kind}`);
  return statistics.hessian;
}

function accumulateNorms(columns: number): Accumulator {
  const sum = runningSum();
  let sequences = 0;
  return {
    add: (input, added = input.shape[0]) => {
      sequences += added;
      if (input.size > 0) sum.add(() => tf.sum(tf.square(tf.reshape(input, [-1, columns])), 0));
    },
    finish: (where) => {
      const squares = sum.take();
      if (squares === undefined) return { kind: "unseen" };
      const meanSquares = scaled(squares, 1 / sequences);
      checkFinite(meanSquares, where);
      return { kind: "inputNorms", meanSquares, sequences };
    },
    dispose: sum.dispose,
  };
}

/** Columns of a band of x^T x. Narrow bands leave out more of what the mirror gives; wide ones multiply faster. */
const BAND = 256;

/**
 * 2/N * sum of x^T x. That is GPTQ's running mean, sequence by sequence, with one rounding less a step. Only bands on and
 * right of the diagonal are computed, and mirrored at the end.
 */
function accumulateSecondMoment(columns: number): Accumulator {
  const starts = Array.from({ length: Math.ceil(columns / BAND) }, (_, band) => band * BAND);
  const sums = starts.map(runningSum);
  let sequences = 0;
  return {
    add: (input, added = input.shape[0]) => {
      sequences += added;
      if (input.size === 0) return;
      const rows = tf.reshape<tf.Rank.R2>(input, [-1, columns]);
      for (const [band, start] of starts.entries()) {
        sums[band].add(() => {
          const left = tf.slice(rows, [0, start], [-1, Math.min(BAND, columns - start)]);
          const right = start === 0 ? rows : tf.slice(rows, [0, start], [-1, columns - start]);
          return tf.matMul(left, right, true, false);
        });
      }
      rows.dispose();
    },
    finish: (where) => {
      const hessian = new Float32Array(columns * columns);
      for (const [band, start] of starts.entries()) {
        const products = sums[band].take();
        if (products === undefined) return { kind: "unseen" };
        const width = columns - start;
        const values = scaled(products, 2 / sequences);
        for (let row = start, from = 0; from < values.length; row++, from += width) {
          hessian.set(values.subarray(from + row - start, from + width), row * columns + row);
        }
      }
      mirror(hessian, columns);
      checkFinite(hessian, where);
      return { kind: "secondMoment", hessian, sequences };
    },
    dispose: () => {
      for (const sum of sums) sum.dispose();
    },
  };
}

/** A sum on the compute backend. */
function runningSum() {
  let total: tf.Tensor | undefined;
  const dispose = () => {
    total?.dispose();
    total = undefined;
  };
  return {
    add: (term: () => tf.Tensor) => {
      // It must outlive a tidy around the caller.
      const next = tf.keep(tf.tidy(() => (total === undefined ? term() : tf.add(total, term()))));
      dispose();
      total = next;
    },
    /** The sum's values; undefined where nothing was added. */
    take: (): Float32Array | undefined => {
      const values = total?.dataSync<"float32">();
      dispose();
      return values;
    },
    dispose,
  };
}

function scaled(values: Float32Array, factor: number): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] *= factor;
  return values;
}

/** Copies what is right of the diagonal to its left, by tiles that stay in the cache. */
function mirror(matrix: Float32Array, size: number): void {
  const tile = 32;
  for (let top = 0; top < size; top += tile) {
    for (let left = 0; left <= top; left += tile) {
      for (let row = top; row < Math.min(size, top + tile); row++) {
        for (let column = left; column < Math.min(row, left + tile); column++) {
          matrix[row * size + column] = matrix[column * size + row];
        }
      }
    }
  }
}

function checkFinite(values: Float32Array, where: string): void {
  if (allFinite(values)) return;
  throw new TouchstoneError("NumericalError", {
    what: "The layer's inputs have NaN or infinite values, or overflow when squared",
    where,
    todo: "Check the model's weights and the calibration set; an earlier block may have been compressed to nothing usable.",
  });
}
