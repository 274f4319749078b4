import { ACTIVATION_BYTES, activationDtypeOf } from "./activation-dtype.js";
import { isDataFree } from "./cells.js";
import type { ModelSize } from "./known-sizes.js";
import type { MethodSettings } from "./methods.js";
import { total } from "./price.js";
import { LOGITS, type MeasuredModel, PORTION_TOKENS } from "./rates.js";
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
/** Arrays are given back when garbage was collected: of decoded blocks, embeddings and heads as many are waiting as are in use. */
const DECODED_COPIES = 2;
/** The allocator keeps what it was given back. */
const SLACK = 1.15;
/** Tokens that go through a block at a time. */
const CHUNK_TOKENS = 2048;
/** Second moments as summed, as read, factored, and a copy for the kernels. */
const MATRICES = 4;
/** Of an evaluation's head, as the product gives them and shifted. */
const LOGITS_BYTES = 2 * FLOAT_BYTES * LOGITS;

/**
 * Bytes of a compute process at its most: what it begins with, what it holds between steps, and the larger of what compressing a block
 * (the next one being begun while it is stored) and evaluating take.
 * @param resting what it keeps of hidden states
 * @param compressed different compressed models of the study
 */
export function peakMemory(
  spec: StudySpec,
  size: ModelSize,
  { rates }: MeasuredModel,
  { resting, compressed }: { resting: number; compressed: number },
): number {
  const block = linearBytes(size);
  const outside = FLOAT_BYTES * (size.outside ?? size.parameters - (size.blocks * block) / FLOAT_BYTES);
  const widest = Math.max(...size.linears.map(([, columns]) => columns));
  const tallest = Math.max(widest, ...size.linears.map(([rows]) => rows));
  const chunk = FLOAT_BYTES * CHUNK_TOKENS * (6 * size.hiddenSize + 4 * tallest);
  // As read and as tensors, compressed, in codes, and encoded; read and compressed of the next one.
  const weights = 7 * block;
  const moments = spec.methods.some(hasSecondMoment) ? MATRICES * FLOAT_BYTES * widest ** 2 : 0;
  const states = Math.min(resting, restingBytes(spec, size));
  // A set's embedding stays for the cells of other methods.
  const embedding = Math.min(states, embeddingBytes(spec, size));
  const compress = weights + moments + chunk + states - embedding;
  const scored = FLOAT_BYTES * 2 * PORTION_TOKENS * size.hiddenSize;
  const evaluate = (DECODED_COPIES + 1) * Math.max(block, outside) + chunk + scored + LOGITS_BYTES;
  const decoded = DECODED_COPIES * Math.min(CACHE_BYTES, compressed * size.blocks * block);
  return rates.processBytes + GARBAGE_BYTES + decoded + SLACK * (embedding + Math.max(compress, evaluate));
}

/**
 * Bytes of hidden states of the largest set: the embedding, which the methods share, those before and after a block and between its
 * stages, and the widest of its inputs.
 */
export function restingBytes(spec: StudySpec, size: ModelSize): number {
  if (spec.methods.every(({ method }) => isDataFree(method))) return 0;
  const within = FLOAT_BYTES * (2 * size.hiddenSize + Math.max(...size.linears.map(([, columns]) => columns)));
  return 3 * embeddingBytes(spec, size) + mostTokens(spec) * within;
}

function embeddingBytes(spec: StudySpec, { hiddenSize }: ModelSize): number {
  return mostTokens(spec) * hiddenSize * ACTIVATION_BYTES[activationDtypeOf(spec.calibration)];
}

function mostTokens({ calibration: { length, sizes } }: StudySpec): number {
  return length * Math.max(...sizes);
}

function hasSecondMoment({ method }: MethodSettings): boolean {
  return method !== "wanda" && !isDataFree(method);
}
