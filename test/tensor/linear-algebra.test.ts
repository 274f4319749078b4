import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { loadBackend } from "../../tensor/backend.js";
import { inverseUpperFactor, plainInverse } from "../../tensor/linear-algebra.js";

const SIZE = 48;
/** Float32 rounding times the condition number of these matrices, which is about 1e3. */
const TOLERANCE = 1e-3;

/** x^T x / n + I / 10 of pseudo-random x: positive definite. */
function definiteMatrix(seed: number): Float32Array {
  const random = xoroshiro128plus(seed);
  const samples = Array.from({ length: 2 * SIZE }, () => Array.from({ length: SIZE }, () => random.next() / 2 ** 31));
  const matrix = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j < SIZE; j++) {
      matrix[i * SIZE + j] = samples.reduce((sum, x) => sum + x[i] * x[j], 0) / samples.length + (i === j ? 0.1 : 0);
    }
  }
  return matrix;
}

/** Largest entry of |U A U^T - I|. */
function distanceFromInverse(inverse: Float32Array, matrix: Float32Array): number {
  let worst = 0;
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j < SIZE; j++) {
      let sum = i === j ? -1 : 0;
      for (let a = 0; a < SIZE; a++) {
        for (let b = 0; b < SIZE; b++) sum += inverse[i * SIZE + a] * matrix[a * SIZE + b] * inverse[j * SIZE + b];
      }
      worst = Math.max(worst, Math.abs(sum));
    }
  }
  return worst;
}

describe("the inverse of the upper factor", () => {
  before(loadBackend);
  const variants = {
    "of the backend": inverseUpperFactor,
    "by halves": (matrix: Float32Array, size: number) => inverseUpperFactor(matrix, size, 10),
    "in typed arrays": (matrix: Float32Array, size: number) => plainInverse(matrix.slice().reverse(), size)?.reverse(),
  };
  for (const [label, invert] of Object.entries(variants)) {
    it(`${label} turns the matrix into the identity, and is upper triangular`, () => {
      const matrix = definiteMatrix(1);
      const inverse = invert(matrix, SIZE);
      assert.ok(inverse !== undefined);
      assert.ok(distanceFromInverse(inverse, matrix) < TOLERANCE);
      for (let i = 0; i < SIZE; i++) for (let j = 0; j < i; j++) assert.equal(inverse[i * SIZE + j], 0);
    });

    it(`${label} is undefined for a matrix that is not positive definite`, () => {
      assert.equal(invert(Float32Array.of(1, 2, 2, 1), 2), undefined);
      assert.equal(invert(Float32Array.of(0, 0, 0, 0), 2), undefined);
      assert.equal(invert(Float32Array.of(Number.NaN, 0, 0, 1), 2), undefined);
    });
  }
});
