import { expandCells, isDataFree } from "./cells.js";
import type { ModelSize } from "./known-sizes.js";
import type { MethodSettings } from "./methods.js";
import { type ModelPrice, priceStudy } from "./price.js";
import { at, type EvaluationWork, type MeasuredModel, type MethodRates } from "./rates.js";
import type { CellCoordinates } from "./results.js";
import type { StudySpec } from "./spec.js";

/** The machines that a study is to run on. */
export interface Place {
  /** Compute processes in all. */
  slots: number;
}

/** What a model's cells take, when nothing of them is done yet. */
export interface ModelForecast {
  model: string;
  /** Seconds of one compute process: summed over all. Sampling is null where it is not known. */
  seconds: { sampling: number | null; compress: number; evaluate: number };
  /** Bytes from the object store, and to it. */
  traffic: { read: number; written: number };
  /** Bytes that stay in the store. */
  kept: number;
  /** Bytes that a compute process has at its most. */
  memory: number;
}

export interface StudyForecast {
  models: readonly ModelForecast[];
  /** From start to end on the given processes, as if nothing else ran there and no cell waited for another. */
  seconds: number;
  traffic: ModelForecast["traffic"];
  kept: number;
  memory: number;
}

/** Arithmetic on the specification, sizes and what was measured of each model. */
export function forecastStudy(
  spec: StudySpec,
  sizes: Readonly<Record<string, ModelSize>>,
  measured: Readonly<Record<string, MeasuredModel>>,
  { slots }: Place,
): StudyForecast {
  const tokens = Object.values(measured)[0].evaluations.map(({ id, tokens: count }) => [id, count] as const);
  const price = priceStudy(spec, { models: sizes, evaluationTokens: Object.fromEntries(tokens) });
  const models = price.models.map((each) => forecastModel(spec, each, sizes[each.model], measured[each.model]));
  const sum = (of: (forecast: ModelForecast) => number) => total(models.map(of));
  const all = sum(({ seconds }) => (seconds.sampling ?? 0) + seconds.compress + seconds.evaluate);
  return {
    models,
    seconds: all / Math.max(1, Math.min(slots, spec.concurrency.cells)),
    traffic: { read: sum(({ traffic }) => traffic.read), written: sum(({ traffic }) => traffic.written) },
    kept: sum(({ kept }) => kept),
    memory: Math.max(...models.map(({ memory }) => memory)),
  };
}

function forecastModel(spec: StudySpec, price: ModelPrice, size: ModelSize, measured: MeasuredModel): ModelForecast {
  const { length } = spec.calibration;
  const cells = expandCells(spec, price.model);
  const { rates, evaluations } = measured;
  const calibrated = cells.filter(usesData);
  const embedded = new Map(
    calibrated.map((cell) => [JSON.stringify([cell.source, cell.set, cell.size, cell.noise]), cell]),
  );
  const tokensOf = (cell: CellCoordinates) => length * (cell.size ?? 0);
  const embedding = total(
    Array.from(embedded.values(), (cell) => rates.read.embedding + at(rates.embed, tokensOf(cell))),
  );
  // What the store gets of hidden states has rows of float32 and an index.
  const states = (price.bytes.activations / (4 * size.hiddenSize + 4)) * rates.states.perToken;
  const compress = total(cells.map((cell) => compressSeconds(cell, tokensOf(cell), size, measured)));
  const evaluate = total(cells.map((cell) => evaluateSeconds(cell, size, measured)));
  const samples = cells.length * total(evaluations.map(({ requests }) => requests)) * BYTES_A_REQUEST;
  const boundaries = price.bytes.activations - embeddingBytes(Array.from(embedded.values(), tokensOf), size);
  const written = price.bytes.calibrationSets + price.bytes.activations + price.bytes.layers + samples;
  const sets = total(Array.from(embedded.values(), (cell) => tokensOf(cell) * TOKEN_BYTES));
  const portions = total(evaluations.map(portionsOf));
  return {
    model: price.model,
    seconds: { sampling: measured.sampling, compress: embedding + states + compress, evaluate },
    traffic: { read: sets + (fitsCache(size) ? 0 : price.bytes.layers * portions), written },
    kept: written - boundaries,
    memory: peakMemory(spec, size, measured),
  };
}

/** Scores of each request, in the evaluation's own file and among those that tasks share. */
const BYTES_A_REQUEST = 130;
const TOKEN_BYTES = 4;
const FLOAT_BYTES = 4;

function compressSeconds(
  cell: CellCoordinates,
  tokens: number,
  { blocks }: ModelSize,
  { rates }: MeasuredModel,
): number {
  const { method } = cell;
  if (method === null) return 0;
  const { capture, forward, solve, encode } = ratesOf(cell, rates.methods);
  const block = rates.read.block + solve + encode;
  if (isDataFree(method.method)) return blocks * block;
  // Nobody needs what comes out of the last block.
  return blocks * (block + at(capture, tokens)) + (blocks - 1) * at(forward, tokens);
}

function evaluateSeconds(cell: CellCoordinates, size: ModelSize, { rates, evaluations }: MeasuredModel): number {
  const { read, scoring } = rates;
  const { blocks } = size;
  // A process has decoded blocks in memory, as far as they fit.
  const decode = cell.method === null || fitsCache(size) ? 0 : ratesOf(cell, rates.methods).decode;
  const block = cell.method === null ? read.block : read.rest + decode;
  const { body, last, head } = scoring;
  const portion = read.embedding + blocks * block + read.head + (blocks - 1) * body.fixed + last.fixed + head.fixed;
  return total(
    evaluations.map((work) => {
      const through = work.tokens * ((blocks - 1) * body.perToken + last.perToken);
      return work.prepare + portionsOf(work) * portion + through + work.predictions * head.perToken;
    }),
  );
}

function ratesOf({ methodLabel }: CellCoordinates, methods: Readonly<Record<string, MethodRates>>): MethodRates {
  const found = methods[methodLabel];
  if (found === undefined) throw new RangeError(`${methodLabel} was not measured`);
  return found;
}

/** Evaluations store scores after so many tokens, and read all weights again. */
const PORTION_TOKENS = 2 ** 14;

function portionsOf({ tokens }: EvaluationWork): number {
  return Math.max(1, Math.ceil(tokens / PORTION_TOKENS));
}

/** What a process keeps of decoded blocks, and of hidden states. */
const CACHE_BYTES = 2 ** 30;

function fitsCache(size: ModelSize): boolean {
  return size.blocks * linearBytes(size) <= CACHE_BYTES;
}

function linearBytes({ linears }: ModelSize): number {
  return FLOAT_BYTES * total(linears.map(([rows, columns]) => rows * columns));
}

function embeddingBytes(tokens: readonly number[], { hiddenSize }: ModelSize): number {
  return total(tokens) * (hiddenSize * FLOAT_BYTES + TOKEN_BYTES);
}

/** The young generation that compute processes are given, and what else waits there for the garbage collector. */
const GARBAGE_BYTES = 2 ** 28;
/** Arrays are given back when garbage was collected, and the allocator keeps what it was given back. */
const SLACK = 1.15;
/** Tokens that go through a block at a time, and of a portion of an evaluation. */
const CHUNK_TOKENS = 2048;
/** Second moments as summed, as read, factored, and a copy for the kernels. */
const MATRICES = 4;

/**
 * Bytes of a compute process at its most: what it begins with, what it holds between steps, and the larger of what compressing a block
 * (the next one being begun while it is stored) and evaluating take.
 */
function peakMemory(spec: StudySpec, size: ModelSize, { rates }: MeasuredModel): number {
  const block = linearBytes(size);
  const outside = FLOAT_BYTES * (size.outside ?? size.parameters - (size.blocks * block) / FLOAT_BYTES);
  const widest = Math.max(...size.linears.map(([, columns]) => columns));
  const tallest = Math.max(widest, ...size.linears.map(([rows]) => rows));
  const tokens = spec.methods.some(({ method }) => !isDataFree(method))
    ? spec.calibration.length * Math.max(...spec.calibration.sizes)
    : 0;
  const hidden = FLOAT_BYTES * tokens * size.hiddenSize;
  const chunk = FLOAT_BYTES * CHUNK_TOKENS * (6 * size.hiddenSize + 4 * tallest);
  // As read and as tensors, compressed, in codes, and encoded; read and compressed of the next one.
  const weights = 7 * block;
  const moments = spec.methods.some(hasSecondMoment) ? MATRICES * FLOAT_BYTES * widest ** 2 : 0;
  const inputs = FLOAT_BYTES * tokens * (widest + size.hiddenSize);
  const compress = weights + moments + 4 * hidden + inputs + chunk;
  const evaluate = 2 * Math.max(block, outside) + chunk + FLOAT_BYTES * 2 * PORTION_TOKENS * size.hiddenSize;
  const held = Math.min(CACHE_BYTES, size.blocks * block) + Math.min(CACHE_BYTES, hidden);
  return rates.processBytes + GARBAGE_BYTES + SLACK * (held + Math.max(compress, evaluate));
}

function hasSecondMoment({ method }: MethodSettings): boolean {
  return method !== "wanda" && !isDataFree(method);
}

function usesData({ method }: CellCoordinates): boolean {
  return method !== null && !isDataFree(method.method);
}

function total(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0);
}

/** What a machine has for a study. */
export interface Capacity extends Place {
  /** Bytes of memory that its compute processes have together. */
  memory: number;
  /** Bytes free where the store is on this machine. */
  disk?: number;
}

/** Why a study does not fit, and which setting would change that; none: it does. */
export function refusals(spec: StudySpec, { memory, kept }: StudyForecast, { slots, ...has }: Capacity): string[] {
  const largest = Math.max(...spec.calibration.sizes);
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const found: string[] = [];
  if (memory * slots > has.memory) {
    const fewer = Math.floor(has.memory / memory);
    const change =
      fewer >= 1
        ? `Give the worker --slots ${fewer}.`
        : `Set calibration.sizes below ${largest}, calibration.length below ${spec.calibration.length}, or take a machine with more memory.`;
    found.push(
      `${slots} compute ${slots === 1 ? "process" : "processes"} of ${gigabytes(memory)} don't fit into ${gigabytes(has.memory)} of memory. ${change}`,
    );
  }
  if (has.disk !== undefined && kept > has.disk) {
    found.push(
      `The store would keep ${gigabytes(kept)}, and its disk has ${gigabytes(has.disk)} free. Set calibration.sets or methods lower, checkpoints.activations to none, or name a bucket with more room in checkpoints.bucket.`,
    );
  }
  return found;
}

/** Prices, in any one currency. */
export interface Prices {
  /** Of a machine. */
  perHour?: number;
  /** Of 1e9 bytes that lie in the store for a month; of 1e9 bytes read from it or written to it. */
  perGbMonth?: number;
  perGbMoved?: number;
}

/** null where no price is given. */
export function moneyOf({ seconds, kept, traffic }: StudyForecast, prices: Prices): number | null {
  const { perHour = 0, perGbMonth = 0, perGbMoved = 0 } = prices;
  if (Object.values(prices).every((price) => price === undefined)) return null;
  return (seconds / 3600) * perHour + (kept / 1e9) * perGbMonth + ((traffic.read + traffic.written) / 1e9) * perGbMoved;
}
