import { TouchstoneError } from "../study/errors.js";
import { inverseUpperFactor } from "../tensor/linear-algebra.js";

export interface FactorOptions {
  /** Share of the diagonal's mean that is added to it. */
  damping: number;
  /** Visit the inputs by falling diagonal, stable for ties, in place of their own order. */
  descending: boolean;
  /**
   * `fixedFirst`: dead inputs get diagonal 1, then the mean is taken and the order is found (GPTQ, SparseGPT).
   * `dampedFirst`: mean and order of the raw diagonal, damping is added, then dead inputs get diagonal 1 (SpQR).
   */
  dead: "fixedFirst" | "dampedFirst";
}

/** The factorised second moment of one input, in visited order. */
export interface Factors {
  columns: number;
  /** The input that is visited at each place, [columns] */
  order: Int32Array;
  /** Whether that is the inputs' own order. */
  inOrder: boolean;
  /** 1 where that input is always zero (H[j,j] = 0), [columns], in visited order */
  dead: Uint8Array;
  /** U with H^-1 = U^T U, upper triangular, row-major [columns, columns] */
  upper: Float32Array;
  /** What the diagonal of H has more in the factorisation than by itself, [columns], in visited order */
  ridge: Float32Array;
  /** What was used, after retries. */
  damping: number;
}

const RETRIES = 3;
const RETRY_FACTOR = 10;

/**
 * U = chol(H^-1) of the damped second moment. Where H isn't positive definite in float32, the damping
 * is multiplied by 10 and tried again, at most 3 times.
 *
 * U is the inverse of M with H = M M^T, M upper triangular: one factorisation and no inverse of H.
 * @param hessian row-major [columns, columns]
 * @throws TouchstoneError NumericalError naming `where`
 */
export function factorise(hessian: Float32Array, columns: number, options: FactorOptions, where: string): Factors {
  const raw = Float32Array.from({ length: columns }, (_, j) => hessian[j * columns + j]);
  const fixed = raw.map((value) => (value === 0 ? 1 : value));
  const fixedFirst = options.dead === "fixedFirst";
  const basis = fixedFirst ? fixed : raw;
  const inOrder = !options.descending;
  const order = visitedOrder(basis, options.descending);
  const mean = Math.fround(basis.reduce((sum, value) => sum + value, 0) / columns);
  for (let attempt = 0; attempt <= RETRIES; attempt++) {
    const damping = options.damping * RETRY_FACTOR ** attempt;
    const added = Math.fround(damping * mean);
    const deadDiagonal = fixedFirst ? 1 + added : 1;
    const diagonal = raw.map((value) => (value === 0 ? deadDiagonal : value + added));
    const upper = inOrder
      ? withDiagonal(hessian, columns, diagonal, raw, () => inverseUpperFactor(hessian, columns))
      : inverseUpperFactor(inVisitedOrder(hessian, columns, order, diagonal), columns);
    if (upper === undefined) continue;
    const dead = Uint8Array.from(order, (input) => (raw[input] === 0 ? 1 : 0));
    const ridge = Float32Array.from(dead, (isDead) => (isDead === 1 ? deadDiagonal : added));
    return { columns, order, inOrder, dead, upper, ridge, damping };
  }
  throw new TouchstoneError("NumericalError", {
    what: `The inputs' second moment can't be factorised, even with damping ${options.damping * RETRY_FACTOR ** RETRIES}`,
    where,
    todo: "Use more calibration sequences or a larger damping.",
  });
}

function visitedOrder(diagonal: Float32Array, descending: boolean): Int32Array {
  const order = Array.from(diagonal.keys());
  return Int32Array.from(descending ? order.sort((a, b) => diagonal[b] - diagonal[a] || a - b) : order);
}

/** H has another diagonal while `work` runs: a copy of a large model's would take half a gigabyte. */
function withDiagonal<T>(
  hessian: Float32Array,
  columns: number,
  diagonal: Float32Array,
  raw: Float32Array,
  work: () => T,
): T {
  setDiagonal(hessian, columns, diagonal);
  try {
    return work();
  } finally {
    setDiagonal(hessian, columns, raw);
  }
}

function setDiagonal(matrix: Float32Array, columns: number, diagonal: Float32Array): void {
  for (let i = 0; i < columns; i++) matrix[i * (columns + 1)] = diagonal[i];
}

/** H in visited order, with another diagonal. */
function inVisitedOrder(
  hessian: Float32Array,
  columns: number,
  order: Int32Array,
  diagonal: Float32Array,
): Float32Array {
  const result = new Float32Array(columns * columns);
  for (let i = 0; i < columns; i++) {
    const row = order[i] * columns;
    for (let j = 0; j < columns; j++) result[i * columns + j] = hessian[row + order[j]];
    result[i * (columns + 1)] = diagonal[order[i]];
  }
  return result;
}
