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

/**
 * L^-1 (lower triangular, row-major) of the Cholesky factorisation A = L L^T.
 * @param matrix symmetric, row-major [size, size]
 * @returns undefined where A is not positive definite in float32
 */
export function inverseCholesky(matrix: Float32Array, size: number): Float32Array | undefined {
  const inverse = tf.getBackend() === "tensorflow" ? nativeInverse(matrix, size) : plainInverse(matrix, size);
  // On a GPU a failed factorisation gives NaN where the CPU gives an error.
  return inverse !== undefined && diagonalPositive(inverse, size) ? inverse : undefined;
}

function nativeInverse(matrix: Float32Array, size: number): Float32Array | undefined {
  const native = tf.backend() as unknown as NativeBackend;
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_FLOAT } = native.binding;
  const type = { name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT };
  const flag = (name: string, value: boolean) => ({ name, type: TF_ATTR_BOOL, value });
  const inverse = tf.tidy(() => {
    const symmetric = tf.tensor2d(matrix, [size, size]);
    let lower: tf.Tensor;
    try {
      lower = native.executeSingleOutput("Cholesky", [type], [symmetric]);
    } catch (error) {
      if (error instanceof Error && /Cholesky decomposition was not successful/.test(error.message)) return undefined;
      throw error;
    }
    const attributes = [flag("lower", true), flag("adjoint", false), type];
    return native.executeSingleOutput("MatrixTriangularSolve", attributes, [lower, tf.eye(size)]);
  });
  return inverse === undefined ? undefined : takeValues(inverse);
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
