import { activationDtypeOf, storedStateBytes } from "./activation-dtype.js";
import { expandCells, isDataFree } from "./cells.js";
import type { ModelSize } from "./known-sizes.js";
import { fitsCache, peakMemory, restingBytes } from "./peak-memory.js";
import { type ModelPrice, priceStudy, total } from "./price.js";
import { at, type EvaluationWork, type MeasuredModel, type MethodRates, PORTION_TOKENS } from "./rates.js";
import type { CellCoordinates } from "./results.js";
import type { StudySpec } from "./spec.js";

/** The machines that a study is to run on. */
export interface Place {
  /** Compute processes in all. */
  slots: number;
  /** Bytes of hidden states that each keeps in memory; the others rest on its disk. */
  resting: number;
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
  /** Bytes that a compute process has at its most, in memory and of hidden states on its disk. */
  memory: number;
  scratch: number;
}

export interface StudyForecast {
  models: readonly ModelForecast[];
  /** From start to end on the given processes, as if nothing else ran there and no cell waited for another. */
  seconds: number;
  traffic: ModelForecast["traffic"];
  kept: number;
  memory: number;
  scratch: number;
}

/** Arithmetic on the specification, sizes and what was measured of each model. */
export function forecastStudy(
  spec: StudySpec,
  sizes: Readonly<Record<string, ModelSize>>,
  measured: Readonly<Record<string, MeasuredModel>>,
  { slots, resting }: Place,
): StudyForecast {
  const tokens = Object.values(measured)[0].evaluations.map(({ id, tokens: count }) => [id, count] as const);
  const price = priceStudy(spec, { models: sizes, evaluationTokens: Object.fromEntries(tokens) });
  const models = price.models.map((each) =>
    forecastModel(spec, each, sizes[each.model], measured[each.model], resting),
  );
  const sum = (of: (forecast: ModelForecast) => number) => total(models.map(of));
  const all = sum(({ seconds }) => (seconds.sampling ?? 0) + seconds.compress + seconds.evaluate);
  return {
    models,
    seconds: all / Math.max(1, Math.min(slots, spec.concurrency.cells)),
    traffic: { read: sum(({ traffic }) => traffic.read), written: sum(({ traffic }) => traffic.written) },
    kept: sum(({ kept }) => kept),
    memory: Math.max(...models.map(({ memory }) => memory)),
    scratch: Math.max(...models.map(({ scratch }) => scratch)),
  };
}

function forecastModel(
  spec: StudySpec,
  price: ModelPrice,
  size: ModelSize,
  measured: MeasuredModel,
  resting: number,
): ModelForecast {
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
  const stored = storedStateBytes(size.hiddenSize, activationDtypeOf(spec.calibration));
  const states = (price.bytes.activations / stored) * rates.states.perToken;
  const compress = total(cells.map((cell) => compressSeconds(cell, tokensOf(cell), size, measured)));
  const evaluate = total(cells.map((cell) => evaluateSeconds(cell, size, measured)));
  const samples = cells.length * total(evaluations.map(({ requests }) => requests)) * BYTES_A_REQUEST;
  const boundaries = price.bytes.activations - stored * total(Array.from(embedded.values(), tokensOf));
  const written = price.bytes.calibrationSets + price.bytes.activations + price.bytes.layers + samples;
  const sets = total(Array.from(embedded.values(), (cell) => tokensOf(cell) * TOKEN_BYTES));
  const portions = total(evaluations.map(portionsOf));
  // Of methods without data all sets give the same.
  const compressed = calibrated.length + spec.methods.filter(({ method }) => isDataFree(method)).length;
  return {
    model: price.model,
    seconds: { sampling: measured.sampling, compress: embedding + states + compress, evaluate },
    traffic: { read: sets + (fitsCache(size) ? 0 : price.bytes.layers * portions), written },
    kept: written - boundaries,
    memory: peakMemory(spec, size, measured, { resting, compressed }),
    scratch: Math.max(0, restingBytes(spec, size) - resting),
  };
}

/** Scores of each request, in the evaluation's own file and among those that tasks share. */
const BYTES_A_REQUEST = 130;
const TOKEN_BYTES = 4;

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

/** After each portion evaluations store its scores, and read all weights again. */
function portionsOf({ tokens }: EvaluationWork): number {
  return Math.max(1, Math.ceil(tokens / PORTION_TOKENS));
}

function usesData({ method }: CellCoordinates): boolean {
  return method !== null && !isDataFree(method.method);
}
