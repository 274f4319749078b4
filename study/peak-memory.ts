import { ACTIVATION_BYTES, activationDtypeOf } from "./activation-dtype.js";
import { isDataFree } from "./cells.js";
import type { ModelSize } from "./known-sizes.js";
import type { MethodSettings } from "./methods.js";
import { total } from "./price.js";
import { type MeasuredModel, PORTION_TOKENS } from "./rates.js";
import type { StudySpec } from "./spec.js";

const FLOAT_BYTES = 4;
/** What a process keeps of decoded blocks. */
const CACHE_BYTES = 2 ** 30;

/** Whether a process has all decoded blocks of a model in memory. */
export function fitsCache(size: ModelSize): boolean {
  return size.blocks * linearBytes(size) <= CACHE_BYTES;
}

function linearBytes({ linears }: ModelSize): number {
  return FLOAT_BYTES * total(linears.map(([rows, columns]) => rows * columns));
}

/** The young generation that compute processes are given, and what else waits there for the garbage collector. */
const GARBAGE_BYTES = 2 ** 28;
/** Arrays are given back when garbage was collected, and the allocator keeps what it was given back. */
const SLACK = 1.15;
/** Tokens that go through a block at a time. */
const CHUNK_TOKENS = 2048;
/** Second moments as summed, as read, factored, and a copy for the kernels. */
const MATRICES = 4;

/**
 * Bytes of a compute process at its most: what it begins with, what it holds between steps, and the larger of what compressing a block
 * (the next one being begun while it is stored) and evaluating take.
 * @param resting what it keeps of hidden states
 */
export function peakMemory(spec: StudySpec, size: ModelSize, { rates }: MeasuredModel, resting: number): number {
  const block = linearBytes(size);
  const outside = FLOAT_BYTES * (size.outside ?? size.parameters - (size.blocks * block) / FLOAT_BYTES);
  const widest = Math.max(...size.linears.map(([, columns]) => columns));
  const tallest = Math.max(widest, ...size.linears.map(([rows]) => rows));
  const chunk = FLOAT_BYTES * CHUNK_TOKENS * (6 * size.hiddenSize + 4 * tallest);
  // As read and as tensors, compressed, in codes, and encoded; read and compressed of the next one.
  const weights = 7 * block;
  const moments = spec.methods.some(hasSecondMoment) ? MATRICES * FLOAT_BYTES * widest ** 2 : 0;
  const compress = weights + moments + chunk;
  const evaluate = 2 * Math.max(block, outside) + chunk + FLOAT_BYTES * 2 * PORTION_TOKENS * size.hiddenSize;
  const held = Math.min(CACHE_BYTES, size.blocks * block) + Math.min(resting, restingBytes(spec, size));
  return rates.processBytes + GARBAGE_BYTES + SLACK * (held + Math.max(compress, evaluate));
}

/**
 * Bytes of hidden states of the largest set: the embedding, which the methods share, those before and after a block and between its
 * stages, and the widest of its inputs.
 */
export function restingBytes({ methods, calibration }: StudySpec, { linears, hiddenSize }: ModelSize): number {
  if (methods.every(({ method }) => isDataFree(method))) return 0;
  const tokens = calibration.length * Math.max(...calibration.sizes);
  const between = 3 * hiddenSize * ACTIVATION_BYTES[activationDtypeOf(calibration)];
  const within = FLOAT_BYTES * (2 * hiddenSize + Math.max(...linears.map(([, columns]) => columns)));
  return tokens * (between + within);
}

function hasSecondMoment({ method }: MethodSettings): boolean {
  return method !== "wanda" && !isDataFree(method);
}
