import { activationDtypeOf, storedStateBytes } from "./activation-dtype.js";
import { expandCells, isDataFree } from "./cells.js";
import { keepingInterval, PRIOR_WRITE_RATE, secondsBetweenLosses } from "./keeping.js";
import type { ModelSize } from "./known-sizes.js";
import type { MethodSettings } from "./methods.js";
import { cellName } from "./names.js";
import type { CellCoordinates } from "./results.js";
import { activationInterval, type StudySpec } from "./spec.js";

/** What a price is made from besides the specification. */
export interface PriceFacts {
  models: Readonly<Record<string, ModelSize>>;
  /** Tokens that one model reads for each task and each perplexity text, by its id. */
  evaluationTokens: Readonly<Record<string, number>>;
  /** Tokens a second of a forward pass of the first model, as measured. */
  rate?: number;
}

/** What one model of a study costs, when nothing of it is done yet. */
export interface ModelPrice {
  model: string;
  cells: number;
  /** Temporal activities, each once. */
  activities: number;
  /** Tokens that go forward through the whole model. */
  forwardTokens: { calibration: number; evaluation: number };
  /** Written to the store: calibration sets, hidden states at block boundaries (removed as a cell goes on), compressed layers. */
  bytes: { calibrationSets: number; activations: number; layers: number };
  /** Blocks between kept hidden states of the largest sets, as `auto` begins; as many as the model has: none are kept. */
  keptEvery: number;
  /** Of the forward passes on one machine of the given rate. */
  hours: number | null;
}

export interface StudyPrice {
  models: readonly ModelPrice[];
  total: Omit<ModelPrice, "model" | "keptEvery">;
}

/** The price of a study: arithmetic on the specification, nothing is looked up. Every model needs its size in `facts`. */
export function priceStudy(spec: StudySpec, facts: PriceFacts): StudyPrice {
  const reference = activeWeights(facts.models[spec.models[0].id]);
  const models = spec.models.map(({ id }) => priceModel(spec, id, facts, activeWeights(facts.models[id]) / reference));
  const sum = (figure: (price: ModelPrice) => number) => models.reduce((total, price) => total + figure(price), 0);
  return {
    models,
    total: {
      cells: sum((price) => price.cells),
      // The plan and the report.
      activities: sum((price) => price.activities) + 2,
      forwardTokens: {
        calibration: sum((price) => price.forwardTokens.calibration),
        evaluation: sum((price) => price.forwardTokens.evaluation),
      },
      bytes: {
        calibrationSets: sum((price) => price.bytes.calibrationSets),
        activations: sum((price) => price.bytes.activations),
        layers: sum((price) => price.bytes.layers),
      },
      hours: facts.rate === undefined ? null : sum((price) => price.hours ?? 0),
    },
  };
}

function priceModel(spec: StudySpec, model: string, facts: PriceFacts, relativeCost: number): ModelPrice {
  const size = facts.models[model];
  const { sizes, sets, length } = spec.calibration;
  const cells = expandCells(spec, model);
  const compressed = cells.filter(isCompressed);
  const calibrated = compressed.filter((cell) => !isDataFree(cell.method.method));
  const evaluations = spec.evaluation.tasks.length + spec.evaluation.perplexity.length;
  const drawnTokens = spec.sources.length * sets * length * total(sizes);

  const passSeconds = (tokens: number) =>
    (tokens * relativeCost) / (facts.rate ?? ASSUMED_OPERATIONS / (2 * activeWeights(facts.models[spec.models[0].id])));
  const dtype = activationDtypeOf(spec.calibration);
  const keptEvery = (tokens: number) => {
    const interval = activationInterval(spec);
    if (interval !== "auto") return interval;
    const bytes = tokens * storedStateBytes(size.hiddenSize, dtype);
    return firstInterval(bytes, passSeconds(tokens) / size.blocks);
  };
  const keptTokens = ({ size: sequences }: CompressedCell) => {
    const tokens = length * sequences;
    return tokens * Math.floor((size.blocks - 1) / keptEvery(tokens));
  };
  const calibration = length * total(calibrated.map((cell) => passes(cell.method) * cell.size));
  const evaluation = cells.length * total(Object.values(facts.evaluationTokens));
  const hiddenTokens = embeddedTokens(calibrated, length) + total(calibrated.map(keptTokens));
  return {
    model,
    cells: cells.length,
    // The plan of the sweep and each source; a cell's embedding and blocks where it is compressed, evaluations, and result.
    activities: 1 + spec.sources.length + cells.length * (evaluations + 1) + compressed.length * (size.blocks + 1),
    forwardTokens: { calibration, evaluation },
    bytes: {
      calibrationSets: drawnTokens * TOKEN_BYTES,
      activations: hiddenTokens * storedStateBytes(size.hiddenSize, dtype),
      layers: total(compressed.map((cell) => size.blocks * blockBytes(size, cell.method))),
    },
    keptEvery: Math.min(keptEvery(length * Math.max(...sizes)), size.blocks),
    hours: facts.rate === undefined ? null : passSeconds(calibration + evaluation) / 3600,
  };
}

/** Weights that a token is multiplied with: of experts those that it is routed to. */
function activeWeights({ parameters, active = parameters }: ModelSize): number {
  return active;
}

/** Operations a second, where no rate is known: a machine with some cores. */
const ASSUMED_OPERATIONS = 200e9;
/** Compressing a block beside a pass forward through it: two passes, and the solver. */
const ASSUMED_PASSES = 6;

/** What `auto` takes before anything was measured. @param bytes of a boundary @param forward seconds of a pass through one block */
function firstInterval(bytes: number, forward: number): number {
  const write = bytes / PRIOR_WRITE_RATE;
  const betweenLosses = secondsBetweenLosses({ seconds: 0, losses: 0 });
  return keepingInterval({ write, forward, block: ASSUMED_PASSES * forward, betweenLosses });
}

const TOKEN_BYTES = 4;

type CompressedCell = CellCoordinates & { method: MethodSettings; size: number };

function isCompressed(cell: CellCoordinates): cell is CompressedCell {
  if (cell.method === null) return false;
  if (cell.size === null) throw new RangeError(`${cellName(cell)} has no size`);
  return true;
}

/**
 * Through each block: where it is compressed stage by stage, what the method wants to know is collected on the way through
 * the compressed block; else in a pass of its own.
 */
function passes(settings: MethodSettings): number {
  return "trueSequential" in settings && settings.trueSequential ? 1 : 2;
}

/** Embedded sets are shared by the methods; each noise replicate has an embedding of its own. */
function embeddedTokens(calibrated: readonly CompressedCell[], length: number): number {
  const sizes = new Map(
    calibrated.map((cell) => [JSON.stringify([cell.source, cell.set, cell.size, cell.noise]), cell.size]),
  );
  return length * total(Array.from(sizes.values()));
}

/** Bytes of a compressed block in the store. */
export function blockBytes({ linears }: ModelSize, settings: MethodSettings): number {
  return total(linears.map(([rows, columns]) => (rows * columns * bitsPerWeight(settings, columns, rows)) / 8));
}

/**
 * As stored: codes with a float32 scale and zero point a group, or those in codes of their own with two float32 a run of groups; or
 * the kept weights in float32 with a bit for each that may be kept. How many outliers SpQR keeps can't be known before.
 */
function bitsPerWeight(settings: MethodSettings, columns: number, rows: number): number {
  switch (settings.method) {
    case "rtn":
    case "gptq":
      return settings.bits + 64 / runLength(settings.groupSize, columns);
    case "spqr": {
      const { bits, statisticsBits, statisticsGroupSize, groupSize } = settings;
      const statistics = 2 * statisticsBits + 128 / runLength(statisticsGroupSize, rows);
      return bits + statistics / runLength(groupSize, columns);
    }
    case "sparsegpt":
    case "wanda":
    case "magnitude":
      return 1 + 32 * (1 - pruned(settings));
  }
}

function runLength(size: number, whole: number): number {
  return size === -1 ? whole : size;
}

function pruned({ pattern, sparsity }: { pattern?: string; sparsity?: number }): number {
  if (pattern === undefined) return sparsity ?? 0;
  const [n, m] = pattern.split(":").map(Number);
  return n / m;
}

export function total(figures: readonly number[]): number {
  return figures.reduce((sum, figure) => sum + figure, 0);
}
