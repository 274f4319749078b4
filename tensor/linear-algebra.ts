import * as tf from "@tensorflow/tfjs-core";
import { type NativeBackend, nativeBackend } from "./native.js";

/** A factorisation at once uses one thread, and products all: with larger parts than these products are faster. */
const LEAF = 512;

/** Up to this size a factorisation at once is no slower. */
const AT_ONCE = 1024;

/** Parts of a product with a triangle, of which each leaves out what is zero, or what its mirror image has. */
const BANDS = 2;

/**
 * U = M^-1 (upper triangular, row-major) of A = M M^T with M upper triangular, so that A^-1 = U^T U.
 *
 * By halves: with A = [[B, C], [C^T, D]] and V = D's U, K = C V^T is M's upper right part, and with W = the U of B - K K^T,
 * U is [[W, -W K V], [0, V]]. Only products, and no triangular solve with many right sides.
 * @param matrix symmetric, row-major [size, size]
 * @param leaf parts of a larger matrix that are up to this size are factorised at once
 * @returns undefined where A is not positive definite in float32
 */
export function inverseUpperFactor(
  matrix: Float32Array,
  size: number,
  leaf = size <= AT_ONCE ? AT_ONCE : LEAF,
): Float32Array | undefined {
  const whole = tf.tensor2d(matrix, [size, size]);
  const values = size <= leaf ? valuesAtOnce(whole, size) : valuesByHalves(whole, size, leaf);
  // On a GPU a failed factorisation gives NaN where the CPU gives an error.
  return values !== undefined && diagonalPositive(values, size) ? values : undefined;
}

// Of a large model's matrices there is room for few: each function here disposes the matrix that it is given, as soon as it can.

function valuesAtOnce(matrix: tf.Tensor2D, size: number): Float32Array | undefined {
  const inverse = inverseAtOnce(matrix, size);
  return inverse && takeValues(inverse);
}

function valuesByHalves(matrix: tf.Tensor2D, size: number, leaf: number): Float32Array | undefined {
  const parts = inverseByHalves(matrix, size, leaf);
  return parts && assemble(parts, size);
}

/** The parts of a matrix that is zero below its diagonal: upper left, upper right, lower right. */
type Parts = [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];

/** @param matrix of which the upper triangle counts */
function inverseByHalves(matrix: tf.Tensor2D, size: number, leaf: number): Parts | undefined {
  const half = Math.ceil(size / 2);
  const rest = size - half;
  return tf.tidy(() => {
    const left = part(matrix, [0, half], [0, half]);
    const right = part(matrix, [0, half], [half, size]);
    const below = part(matrix, [half, size], [half, size]);
    matrix.dispose();
    const lower = inverse(below, rest, leaf);
    if (lower === undefined) return undefined;
    const factor = inBands(rest, 1, ([from, to]) =>
      tf.matMul(part(right, [0, half], [from, rest]), part(lower, [from, to], [from, rest]), false, true),
    );
    right.dispose();
    const remaining = inBands(half, 0, ([from, to]) => {
      const square = tf.matMul(part(factor, [from, to], [0, rest]), part(factor, [from, half], [0, rest]), false, true);
      return padLeft(tf.sub(part(left, [from, to], [from, half]), square), from);
    });
    left.dispose();
    const upper = inverse(remaining, half, leaf);
    if (upper === undefined) return undefined;
    const product = inBands(rest, 1, ([from, to]) =>
      tf.matMul(part(factor, [0, half], [0, to]), part(lower, [0, to], [from, to])),
    );
    factor.dispose();
    const corner = inBands(half, 0, ([from, to]) =>
      tf.neg(tf.matMul(part(upper, [from, to], [from, half]), part(product, [from, half], [0, rest]))),
    );
    return [upper, corner, lower];
  });
}

function inverse(matrix: tf.Tensor2D, size: number, leaf: number): tf.Tensor2D | undefined {
  if (size <= leaf) return inverseAtOnce(matrix, size);
  return tf.tidy(() => {
    const parts = inverseByHalves(matrix, size, leaf);
    if (parts === undefined) return undefined;
    const [upper, corner, lower] = parts;
    return tf.concat([tf.concat([upper, corner], 1), padLeft(lower, corner.shape[0])], 0);
  });
}

/** Outside TensorFlow: its copies of so large a matrix take longer than the parts' products. The parts are disposed. */
function assemble([upper, corner, lower]: Parts, size: number): Float32Array {
  const whole = new Float32Array(size * size);
  const half = upper.shape[0];
  for (const [tensor, firstRow, firstColumn] of [
    [upper, 0, 0],
    [corner, 0, half],
    [lower, half, half],
  ] as const) {
    const [rows, columns] = tensor.shape;
    const values = takeValues(tensor);
    for (let row = 0; row < rows; row++) {
      const from = row * columns;
      whole.set(values.subarray(from, from + columns), (firstRow + row) * size + firstColumn);
    }
  }
  return whole;
}

type Range = readonly [from: number, to: number];

function inBands(size: number, axis: 0 | 1, band: (range: Range) => tf.Tensor2D): tf.Tensor2D {
  const width = Math.ceil(size / BANDS);
  const starts = Array.from({ length: Math.ceil(size / width) }, (_, i) => i * width);
  return tf.tidy(() =>
    tf.concat(
      starts.map((from) => tf.tidy(() => band([from, Math.min(size, from + width)]))),
      axis,
    ),
  );
}

function part(matrix: tf.Tensor2D, rows: Range, columns: Range): tf.Tensor2D {
  return tf.slice(matrix, [rows[0], columns[0]], [rows[1] - rows[0], columns[1] - columns[0]]);
}

function padLeft(matrix: tf.Tensor2D, columns: number): tf.Tensor2D {
  return tf.pad(matrix, [
    [0, 0],
    [columns, 0],
  ]);
}

/** With J the reversal of rows and columns, J A J = L L^T gives U = J L^-1 J. */
function inverseAtOnce(matrix: tf.Tensor2D, size: number): tf.Tensor2D | undefined {
  return tf.tidy(() => {
    const reversed = tf.reverse(matrix);
    matrix.dispose();
    const native = nativeBackend();
    const inverse = native === undefined ? typedInverse(reversed, size) : nativeInverse(native, reversed, size);
    return inverse && tf.reverse(inverse);
  });
}

function typedInverse(matrix: tf.Tensor2D, size: number): tf.Tensor2D | undefined {
  const inverse = plainInverse(matrix.dataSync<"float32">(), size);
  return inverse === undefined ? undefined : tf.tensor2d(inverse, [size, size]);
}

/** L^-1 of the Cholesky factorisation A = L L^T. */
function nativeInverse(native: NativeBackend, matrix: tf.Tensor2D, size: number): tf.Tensor2D | undefined {
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT } = native.binding;
  const type = { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT };
  const flag = (name: string, value: boolean) => ({ name, type: TF_ATTR_BOOL, value });
  let lower: tf.Tensor;
  try {
    lower = native.executeSingleOutput("Cholesky", [type], [matrix]);
  } catch (error) {
    if (error instanceof Error && /Cholesky decomposition was not successful/.test(error.message)) return undefined;
    throw error;
  }
  const attributes = [flag("lower", true), flag("adjoint", false), type];
  return native.executeSingleOutput("MatrixTriangularSolve", attributes, [lower, tf.eye(size)]) as tf.Tensor2D;
}

/** A tensor's values; it is disposed. For results of `tf.tidy`, which takes seconds to look through a large typed array for tensors. */
export function takeValues(tensor: tf.Tensor): Float32Array {
  const values = tensor.dataSync<"float32">();
  tensor.dispose();
  return values;
}

/** L^-1 of the Cholesky factorisation A = L L^T in typed arrays, for the backends without these operations. Sums are float64. */
export function plainInverse(matrix: Float32Array, size: number): Float32Array | undefined {
  const lower = plainCholesky(matrix, size);
  return lower === undefined ? undefined : invertLower(lower, size);
}

function plainCholesky(matrix: Float32Array, size: number): Float64Array | undefined {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const rowI = i * size;
    for (let j = 0; j <= i; j++) {
      const rowJ = j * size;
      let sum = matrix[rowI + j];
      for (let k = 0; k < j; k++) sum -= lower[rowI + k] * lower[rowJ + k];
      if (j < i) lower[rowI + j] = sum / lower[rowJ + j];
      else if (sum > 0) lower[rowI + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return lower;
}

function invertLower(lower: Float64Array, size: number): Float32Array {
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const row = i * size;
    for (let k = 0; k < i; k++) {
      const factor = lower[row + k];
      const other = k * size;
      for (let j = 0; j <= k; j++) inverse[row + j] -= factor * inverse[other + j];
    }
    const pivot = lower[row + i];
    for (let j = 0; j < i; j++) inverse[row + j] /= pivot;
    inverse[row + i] = 1 / pivot;
  }
  return Float32Array.from(inverse);
}

/** Not NaN, not infinite, above zero. */
function diagonalPositive(matrix: Float32Array, size: number): boolean {
  for (let i = 0; i < size; i++) {
    const value = matrix[i * size + i];
    if (!(value > 0 && value < Number.POSITIVE_INFINITY)) return false;
  }
  return true;
}
