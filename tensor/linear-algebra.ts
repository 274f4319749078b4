import * as tf from "@tensorflow/tfjs-core";

/** What the native backend can do beyond TensorFlow.js's own operations: run any TensorFlow operation by its name. */
interface NativeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_ATTR_BOOL: number; readonly TF_FLOAT: number };
  executeSingleOutput(
    name: string,
    attributes: readonly { name: string; type: number; value: number | boolean }[],
    inputs: readonly tf.Tensor[],
  ): tf.Tensor;
}

/** A factorisation at once uses one thread, and products all: with larger parts than these products are faster. */
const LEAF = 512;

/** Up to this size a factorisation at once is no slower. */
const AT_ONCE = 1024;

/** Parts of a product with a triangle, of which each leaves out what is zero, or what its mirror image has. */
const BANDS = 2;

/**
 * L^-1 (lower triangular, row-major) of the Cholesky factorisation A = L L^T.
 *
 * By halves: with A = [[B, C^T], [C, D]] and V = B's L^-1, M = C V^T is L's lower left part, and with W = the L^-1 of D - M M^T,
 * L^-1 is [[V, 0], [-W M V, W]]. Only products, and no triangular solve with many right sides.
 * @param matrix symmetric, row-major [size, size]
 * @param leaf parts of a larger matrix that are up to this size are factorised at once
 * @returns undefined where A is not positive definite in float32
 */
export function inverseCholesky(
  matrix: Float32Array,
  size: number,
  leaf = size <= AT_ONCE ? AT_ONCE : LEAF,
): Float32Array | undefined {
  const result = tf.tidy(() => inverseByHalves(tf.tensor2d(matrix, [size, size]), size, leaf));
  const inverse = result === undefined ? undefined : takeValues(result);
  // On a GPU a failed factorisation gives NaN where the CPU gives an error.
  return inverse !== undefined && diagonalPositive(inverse, size) ? inverse : undefined;
}

/** @param matrix of which the lower triangle counts */
function inverseByHalves(matrix: tf.Tensor2D, size: number, leaf: number): tf.Tensor2D | undefined {
  if (size <= leaf) return inverseAtOnce(matrix, size);
  const half = Math.ceil(size / 2);
  const rest = size - half;
  return tf.tidy(() => {
    const upper = inverseByHalves(part(matrix, [0, half], [0, half]), half, leaf);
    if (upper === undefined) return undefined;
    const below = part(matrix, [half, size], [0, half]);
    const left = inBands(half, 1, ([from, to]) =>
      tf.matMul(part(below, [0, rest], [0, to]), part(upper, [from, to], [0, to]), false, true),
    );
    const remaining = inBands(rest, 0, ([from, to]) => {
      const square = tf.matMul(part(left, [from, to], [0, half]), part(left, [0, to], [0, half]), false, true);
      return padRight(tf.sub(part(matrix, [half + from, half + to], [half, half + to]), square), rest - to);
    });
    const lower = inverseByHalves(remaining, rest, leaf);
    if (lower === undefined) return undefined;
    const product = inBands(half, 1, ([from, to]) =>
      tf.matMul(part(left, [0, rest], [from, half]), part(upper, [from, half], [from, to])),
    );
    const corner = inBands(rest, 0, ([from, to]) =>
      tf.neg(tf.matMul(part(lower, [from, to], [0, to]), part(product, [0, to], [0, half]))),
    );
    return tf.concat([padRight(upper, rest), tf.concat([corner, lower], 1)], 0);
  });
}

type Range = readonly [from: number, to: number];

function inBands(size: number, axis: 0 | 1, band: (range: Range) => tf.Tensor2D): tf.Tensor2D {
  const width = Math.ceil(size / BANDS);
  const starts = Array.from({ length: Math.ceil(size / width) }, (_, i) => i * width);
  return tf.concat(
    starts.map((from) => band([from, Math.min(size, from + width)])),
    axis,
  );
}

function part(matrix: tf.Tensor2D, rows: Range, columns: Range): tf.Tensor2D {
  return tf.slice(matrix, [rows[0], columns[0]], [rows[1] - rows[0], columns[1] - columns[0]]);
}

function padRight(matrix: tf.Tensor2D, columns: number): tf.Tensor2D {
  return tf.pad(matrix, [
    [0, 0],
    [0, columns],
  ]);
}

function inverseAtOnce(matrix: tf.Tensor2D, size: number): tf.Tensor2D | undefined {
  if (tf.getBackend() === "tensorflow") return nativeInverse(matrix, size);
  const inverse = plainInverse(matrix.dataSync<"float32">(), size);
  return inverse === undefined ? undefined : tf.tensor2d(inverse, [size, size]);
}

function nativeInverse(matrix: tf.Tensor2D, size: number): tf.Tensor2D | undefined {
  const native = tf.backend() as unknown as NativeBackend;
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

/** `inverseCholesky` in typed arrays, for the backends without these operations. Sums are float64. */
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
