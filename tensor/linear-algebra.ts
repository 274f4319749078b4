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

/** Most work on larger matrices is in products, which use all threads; a factorisation at once uses one, but is more exact. */
const LEAF = 1024;

/**
 * L^-1 (lower triangular, row-major) of the Cholesky factorisation A = L L^T.
 *
 * By halves: with A = [[B, C^T], [C, D]] and V = B's L^-1, M = C V^T is L's lower left part, and with W = the L^-1 of D - M M^T,
 * L^-1 is [[V, 0], [-W M V, W]]. Only products, and no triangular solve with many right sides.
 * @param matrix symmetric, row-major [size, size]
 * @param leaf matrices up to this size are factorised at once
 * @returns undefined where A is not positive definite in float32
 */
export function inverseCholesky(matrix: Float32Array, size: number, leaf = LEAF): Float32Array | undefined {
  const result = tf.tidy(() => inverseByHalves(tf.tensor2d(matrix, [size, size]), size, leaf));
  const inverse = result === undefined ? undefined : takeValues(result);
  // On a GPU a failed factorisation gives NaN where the CPU gives an error.
  return inverse !== undefined && diagonalPositive(inverse, size) ? inverse : undefined;
}

function inverseByHalves(matrix: tf.Tensor2D, size: number, leaf: number): tf.Tensor2D | undefined {
  if (size <= leaf) return inverseAtOnce(matrix, size);
  const half = Math.ceil(size / 2);
  const rest = size - half;
  return tf.tidy(() => {
    const upper = inverseByHalves(tf.slice(matrix, [0, 0], [half, half]), half, leaf);
    if (upper === undefined) return undefined;
    const left = tf.matMul(tf.slice(matrix, [half, 0], [rest, half]), upper, false, true);
    const remaining = tf.sub<tf.Tensor2D>(
      tf.slice(matrix, [half, half], [rest, rest]),
      tf.matMul(left, left, false, true),
    );
    const lower = inverseByHalves(remaining, rest, leaf);
    if (lower === undefined) return undefined;
    const corner = tf.neg<tf.Tensor2D>(tf.matMul(lower, tf.matMul(left, upper)));
    return tf.concat(
      [
        tf.pad(upper, [
          [0, 0],
          [0, rest],
        ]),
        tf.concat([corner, lower], 1),
      ],
      0,
    );
  });
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
