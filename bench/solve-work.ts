import type { LayerShape } from "../compression/method.js";
import type { MethodName } from "../study/methods.js";
import type { Machine } from "./machine.js";

/** What a method has to do at the least, on one layer. */
export interface SolveWork {
  /** Floating-point operations; a fused multiplication and addition is two. */
  operations: number;
  /** Of them, those of the factorisation. */
  factorise: number;
  /** Read and written, when nothing is moved twice that needn't be. */
  bytes: number;
}

const FLOAT = 4;

/** Operations a weight besides the propagation of errors, by what the papers' definitions write down. */
const PER_WEIGHT: Readonly<Record<MethodName, number>> = {
  // Minimum, maximum, division, rounding, zero point on and off, clamping, multiplication.
  rtn: 8,
  // As RTN; difference and division.
  gptq: 10,
  // As GPTQ; its square against the threshold; the search: errors on three grids, all others' being the same, 8 each.
  spqr: 36,
  // Square, division, 5 / 4 comparisons, difference and division.
  sparsegpt: 5,
  // Absolute value, multiplication, 5 / 4 comparisons.
  wanda: 3,
  magnitude: 2,
};

/**
 * Column methods: U from H takes 2/3 columns^3 (a Cholesky factorisation and a triangular inverse, 1/3 each), propagation
 * rows * columns^2 (each of columns^2 / 2 entries of U takes a product and a difference a row). Others: the weights once.
 */
export function solveWork(
  method: MethodName,
  { rows, columns }: Pick<LayerShape, "rows" | "columns">,
  blockSize: number | undefined,
): SolveWork {
  const weights = rows * columns;
  // Weights in, weights out, and a byte of code or mask each.
  const moved = weights * (2 * FLOAT + 1);
  const simple = PER_WEIGHT[method] * weights;
  if (blockSize === undefined) return { operations: simple, factorise: 0, bytes: moved };
  const factorise = (2 / 3) * columns ** 3;
  // H in, U out and in again; before each block the errors of all columns before it.
  const blocks = Math.ceil(columns / blockSize);
  const bytes = moved + 3 * FLOAT * columns ** 2 + (FLOAT * weights * (blocks - 1)) / 2;
  return { operations: factorise + weights * columns + simple, factorise, bytes };
}

/** Seconds that no program on this machine can be below: all operations at the product's rate, all bytes at that of a copy. */
export function leastSeconds(
  { operations, bytes }: SolveWork,
  { gflops, copyGigabytes }: Pick<Machine, "gflops" | "copyGigabytes">,
): number {
  return Math.max(operations / gflops, bytes / copyGigabytes) / 1e9;
}
