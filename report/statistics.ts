import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { sampleRankCorrelation } from "simple-statistics";
import type { StudyOutcomes } from "../statistics/outcomes.js";
import { type ComparisonFamily, studyComparisons } from "../statistics/study-comparisons.js";
import { type VarianceShares, varianceShares } from "../statistics/variance-shares.js";
import { generatorOf } from "../storage/generator.js";
import { toFigure } from "../study/figures.js";
import type { CellCoordinates, CellResult, Figure, StudyResults } from "../study/results.js";
import { type GuessedTask, guessedTasks } from "./guessed-tasks.js";
import { headlines, type Measure, measuresOf, type Reader, readerOf } from "./measures.js";
import { type NoiseFloor, noiseFloor } from "./noise-floor.js";
import { type NullControl, nullControl } from "./null-control.js";
import { type Summary, summarize, type VarianceComponents, varianceComponents } from "./variance.js";

/** One value per measure, by the measure's key. */
export type ByMeasure<T> = Readonly<Record<string, T>>;

/** Everything that tables, charts and texts of a report say; plain JSON, without NaN or infinity. */
export interface StudyStatistics {
  measures: readonly Measure[];
  models: readonly ModelStatistics[];
  /** Of the tasks' mean, paired over records; where outcomes were read. */
  comparisons: readonly ComparisonFamily[];
  /** Why there are no comparisons, where outcomes could not be read. */
  outcomesMissing: string | null;
}

export interface ModelStatistics {
  model: string;
  /** The uncompressed model; null: it isn't evaluated (yet). */
  dense: ByMeasure<Figure> | null;
  methods: readonly MethodStatistics[];
  methodDifferences: readonly MethodDifference[];
  /** Tasks that tell nothing about the model, since the dense one does no better than guessing, but move the mean. */
  guessedTasks: readonly GuessedTask[];
}

export interface MethodStatistics {
  /** The method's label. */
  method: string;
  dataFree: boolean;
  /** By set size, ascending. Tables show the last one, where the noise replicates are too. */
  sizes: readonly SizeStatistics[];
  nullControl: NullControl | null;
  noise: ByMeasure<NoiseFloor>;
  /** Of the largest size, for the measures that sum a model up. */
  shares: ByMeasure<VarianceShares | { missing: string } | null>;
  /** Sources and sizes of which cells are still to be computed; none in a study that has ended. */
  pending: readonly PendingSets[];
}

export interface PendingSets {
  source: string;
  size: number;
  /** Sets whose cell is finished. */
  done: number;
  /** And those whose cell is finished, failed, skipped or still to come. */
  total: number;
}

export interface SizeStatistics {
  /** Sequences a set. */
  size: number;
  sources: readonly { source: string; measures: ByMeasure<Summary> }[];
  /** Over all sets of all sources. */
  pooled: ByMeasure<Summary & VarianceComponents>;
  /** Spearman's rank correlation over the sets of the tasks' mean with each perplexity: -1 where they agree. */
  agreement: ByMeasure<number | null>;
}

/** On the same calibration sets (source, size and index), first minus second. */
export interface MethodDifference {
  first: string;
  second: string;
  measures: ByMeasure<Summary>;
}

/**
 * The figures of each set, and their means and sample standard deviations over sets. Failed cells are missing values;
 * non-finite figures are excluded.
 */
export function studyStatistics(results: StudyResults, outcomes: StudyOutcomes = NOT_READ): StudyStatistics {
  const measures = measuresOf(results);
  const read = new Map(measures.map((measure) => [measure.key, readerOf(results, measures, measure)]));
  const pending = results.pending ?? [];
  const known = [...results.cells, ...results.failed, ...pending];
  const models = distinct(known.map(({ model }) => model)).map((model) => {
    const cells = results.cells.filter((cell) => cell.model === model);
    const compressed = known.filter((cell) => cell.model === model && cell.method !== null);
    const labels = distinct(compressed.map(({ methodLabel }) => methodLabel));
    const dense = cells.find(({ method }) => method === null);
    return {
      model,
      dense: dense === undefined ? null : figuresOf(dense, read),
      methods: labels.map((label) => {
        const own = cells.filter(({ methodLabel, method }) => method !== null && methodLabel === label);
        const named = compressed.find(({ methodLabel }) => methodLabel === label)?.method?.method;
        const free = [label, named].some((name) => name !== undefined && results.dataFreeMethods.includes(name));
        const all = [...results.skipped, ...compressed].filter(
          (cell) => cell.model === model && cell.methodLabel === label,
        );
        return { ...methodStatistics(label, free, own, measures, read), pending: pendingSets(all, pending, own) };
      }),
      methodDifferences: methodDifferences(cells, labels, headlines(measures), read),
      guessedTasks: guessedTasks(results, outcomes.tasks, model),
    };
  });
  const comparisons = studyComparisons(results, outcomes);
  return { measures, models, comparisons, outcomesMissing: outcomes.missing ?? null };
}

const NOT_READ: StudyOutcomes = { tasks: [], cells: new Map(), missing: "The records' outcomes were not read." };

type Readers = ReadonlyMap<string, Reader>;

function methodStatistics(
  method: string,
  dataFree: boolean,
  cells: readonly CellResult[],
  measures: readonly Measure[],
  read: Readers,
): Omit<MethodStatistics, "pending"> {
  const sets = cells.filter(({ noise }) => noise === null);
  const replicates = cells.filter(({ noise }) => noise !== null);
  const sizes = distinct(sets.map(({ size }) => size ?? 0)).sort((a, b) => a - b);
  const floorCells = sets.filter(({ size }) => size === (replicates[0]?.size ?? sizes.at(-1)));
  return {
    method,
    dataFree,
    sizes: sizes.map((size) =>
      sizeStatistics(
        size,
        sets.filter((cell) => cell.size === size),
        measures,
        read,
      ),
    ),
    nullControl: dataFree ? nullControl(sets) : null,
    noise: mapMeasures(read, (reader) =>
      noiseFloor(summarize(valuesOf(floorCells, reader)), summarize(valuesOf(replicates, reader)), dataFree),
    ),
    shares: mapMeasures(pick(read, headlines(measures)), (reader) =>
      sharesOf(floorCells, replicates, reader, `variance shares of ${method} on ${cells[0]?.model}`),
    ),
  };
}

function sharesOf(sets: readonly CellResult[], replicates: readonly CellResult[], read: Reader, seed: string) {
  const generator = generatorOf(seed);
  const finite = (cells: readonly CellResult[]) => valuesOf(cells, read).filter(Number.isFinite);
  const sources = distinct(sets.map(({ source }) => source)).map((source) =>
    finite(sets.filter((cell) => cell.source === source)),
  );
  return varianceShares(sources, finite(replicates), () => uniformFloat64(generator));
}

function pendingSets(
  all: readonly CellCoordinates[],
  pending: readonly CellCoordinates[],
  finished: readonly CellCoordinates[],
): PendingSets[] {
  const place = ({ source, size }: CellCoordinates) => JSON.stringify([source, size]);
  const sets = (cells: readonly CellCoordinates[]) => cells.filter(({ noise }) => noise === null);
  const counts = (cells: readonly CellCoordinates[]) => {
    const by = new Map<string, number>();
    for (const cell of sets(cells)) by.set(place(cell), (by.get(place(cell)) ?? 0) + 1);
    return by;
  };
  const [totals, done] = [counts(all), counts(finished)];
  const open = new Set(sets(all.filter((cell) => pending.includes(cell))).map(place));
  return [...open].map((key) => {
    const [source, size] = JSON.parse(key) as [string, number];
    return { source, size, done: done.get(key) ?? 0, total: totals.get(key) ?? 0 };
  });
}

function sizeStatistics(
  size: number,
  cells: readonly CellResult[],
  measures: readonly Measure[],
  read: Readers,
): SizeStatistics {
  const sources = distinct(cells.map(({ source }) => source ?? "")).map((source) => ({
    source,
    cells: cells.filter((cell) => cell.source === source),
  }));
  const mean = read.get("tasksMean");
  return {
    size,
    sources: sources.map(({ source, cells }) => ({
      source,
      measures: mapMeasures(read, (reader) => summarize(valuesOf(cells, reader))),
    })),
    pooled: mapMeasures(read, (reader) => ({
      ...summarize(valuesOf(cells, reader)),
      ...varianceComponents(sources.map((source) => valuesOf(source.cells, reader))),
    })),
    agreement: Object.fromEntries(
      measures
        .filter(({ kind }) => kind === "perplexity")
        .map(({ key }) => [key, rankCorrelation(cells, mean, read.get(key))]),
    ),
  };
}

function methodDifferences(
  cells: readonly CellResult[],
  labels: readonly string[],
  measures: readonly Measure[],
  read: Readers,
): MethodDifference[] {
  const sets = cells.filter(({ noise, method }) => noise === null && method !== null);
  const setName = ({ source, size, set }: CellResult) => JSON.stringify([source, size, set]);
  const bySet = (label: string) =>
    new Map(sets.filter(({ methodLabel }) => methodLabel === label).map((cell) => [setName(cell), cell]));
  return labels.flatMap((first, i) =>
    labels.slice(i + 1).map((second) => {
      const rivals = bySet(second);
      const differences = (reader: Reader) =>
        [...bySet(first)].flatMap(([name, cell]) => {
          const rival = rivals.get(name);
          const [a, b] = [reader(cell), rival && reader(rival)];
          return a === undefined || b === undefined ? [] : [a - b];
        });
      return { first, second, measures: mapMeasures(pick(read, measures), (reader) => summarize(differences(reader))) };
    }),
  );
}

/** Null where it is undefined: fewer than three sets, or one side the same for all. */
function rankCorrelation(cells: readonly CellResult[], first?: Reader, second?: Reader): number | null {
  const pairs = cells
    .map((cell) => [first?.(cell) ?? Number.NaN, second?.(cell) ?? Number.NaN] as const)
    .filter((pair) => pair.every(Number.isFinite));
  if (pairs.length < 3) return null;
  const correlation = sampleRankCorrelation(
    pairs.map(([a]) => a),
    pairs.map(([, b]) => b),
  );
  return Number.isFinite(correlation) ? correlation : null;
}

function figuresOf(cell: CellResult, read: Readers): ByMeasure<Figure> {
  return Object.fromEntries(
    [...read].flatMap(([key, reader]) => {
      const value = reader(cell);
      return value === undefined ? [] : [[key, toFigure(value)]];
    }),
  );
}

function valuesOf(cells: readonly CellResult[], read: Reader): number[] {
  return cells.map(read).filter((value) => value !== undefined);
}

function mapMeasures<T>(read: Readers, make: (reader: Reader) => T): ByMeasure<T> {
  return Object.fromEntries([...read].map(([key, reader]) => [key, make(reader)]));
}

function pick(read: Readers, measures: readonly Measure[]): Readers {
  return new Map([...read].filter(([key]) => measures.some((measure) => measure.key === key)));
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
