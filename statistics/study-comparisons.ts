import { cellName } from "../study/names.js";
import type { CellResult, StudyResults } from "../study/results.js";
import { type Comparison, type Contrast, compareFamily } from "./comparisons.js";
import { minus, type RecordValues, type StudyOutcomes } from "./outcomes.js";
import { type SetGroup, setGroup } from "./set-group.js";

/** Comparisons that are corrected together. */
export interface ComparisonFamily {
  /** `model`: of what compression costs, the accuracy less the dense model's own. */
  kind: "source" | "method" | "size" | "model";
  /** What all comparisons of the family share; null: that is what is compared. */
  model: string | null;
  method: string | null;
  /** Sequences a set. */
  size: number | null;
  comparisons: readonly Comparison[];
}

type Cells = readonly CellResult[];
type ValuesOf = (cell: CellResult) => readonly RecordValues[] | undefined;

/** All comparisons of the tasks' mean that a study allows: between sources, methods, set sizes and models. */
export function studyComparisons(results: StudyResults, outcomes: StudyOutcomes): ComparisonFamily[] {
  if (outcomes.tasks.length === 0) return [];
  const values: ValuesOf = (cell) => outcomes.cells.get(cellName(cell));
  const cells = results.cells.filter(({ method, noise }) => method !== null && noise === null);
  const models = distinct(results.cells.map(({ model }) => model));
  const perModel = models.flatMap((model) => modelFamilies(model, cells, values, results.dataFreeMethods));
  return [...perModel, ...acrossModels(models, cells, results.cells, values)].filter(
    ({ comparisons }) => comparisons.length > 0,
  );
}

function modelFamilies(model: string, all: Cells, values: ValuesOf, dataFree: readonly string[]): ComparisonFamily[] {
  const cells = all.filter((cell) => cell.model === model);
  const methods = distinct(cells.map(({ methodLabel }) => methodLabel));
  const usesData = (label: string) =>
    !cells.some(({ methodLabel, method }) => methodLabel === label && dataFree.includes(method?.method ?? ""));
  const sizes = distinct(cells.map(({ size }) => size ?? 0)).sort((a, b) => a - b);
  const of = (size: number) => cells.filter((cell) => cell.size === size);
  const using = methods.filter(usesData);
  const named = (some: Cells, method: string) => some.filter(({ methodLabel }) => methodLabel === method);
  return [
    ...using.flatMap((method) =>
      sizes.map((size) => ({
        ...({ kind: "source", model, method, size } as const),
        comparisons: compareFamily(sourceContrasts(named(of(size), method), values)),
      })),
    ),
    ...sizes.map((size) => ({
      ...({ kind: "method", model, method: null, size } as const),
      comparisons: compareFamily(pairs(methods, (label) => named(of(size), label), values)),
    })),
    ...using.map((method) => ({
      ...({ kind: "size", model, method, size: null } as const),
      // Each with the next: what more sequences bring.
      comparisons: compareFamily(
        sizes
          .slice(1)
          .map((size, i) =>
            onSameSets(`${size}`, `${sizes[i]}`, named(of(size), method), named(of(sizes[i]), method), values),
          ),
      ),
    })),
  ];
}

function sourceContrasts(cells: Cells, values: ValuesOf): Contrast[] {
  const groups = distinct(cells.map(({ source }) => source ?? "")).map((source) => {
    const sets = cells.filter((cell) => cell.source === source).map(values);
    const scored = sets.filter((set) => set !== undefined);
    return { source, sets: scored.length, group: scored.length > 0 ? setGroup(scored) : undefined };
  });
  return groups.flatMap((first, i) =>
    groups.slice(i + 1).map((second) => ({
      first: first.source,
      second: second.source,
      sets: [first.sets, second.sets] as const,
      terms: first.group && second.group ? [[1, first.group] as const, [-1, second.group] as const] : [],
      unpaired: true,
    })),
  );
}

function pairs(names: readonly string[], cellsOf: (name: string) => Cells, values: ValuesOf): Contrast[] {
  return names.flatMap((first, i) =>
    names.slice(i + 1).map((second) => onSameSets(first, second, cellsOf(first), cellsOf(second), values)),
  );
}

/** Set by set (source and index), as a mean over the sources that have two such sets or more. */
function onSameSets(first: string, second: string, firstCells: Cells, secondCells: Cells, values: ValuesOf): Contrast {
  const rivals = new Map(secondCells.map((cell) => [setName(cell), cell]));
  const groups: SetGroup[] = [];
  let sets = 0;
  for (const source of distinct(firstCells.map((cell) => cell.source))) {
    const differences = firstCells
      .filter((cell) => cell.source === source)
      .flatMap((cell) => {
        const rival = rivals.get(setName(cell));
        const [own, other] = [values(cell), rival && values(rival)];
        return own === undefined || other === undefined ? [] : [minus(own, other)];
      });
    sets += differences.length;
    if (differences.length > 1) groups.push(setGroup(differences));
  }
  return { first, second, sets: [sets, sets], terms: groups.map((group) => [1 / groups.length, group] as const) };
}

/** Of what compression by each method costs, at the largest size; models are compared on sets of the same source and index. */
function acrossModels(models: readonly string[], cells: Cells, all: Cells, values: ValuesOf): ComparisonFamily[] {
  const dense = new Map(all.filter(({ method }) => method === null).map((cell) => [cell.model, values(cell)]));
  const cost: ValuesOf = (cell) => {
    const [own, reference] = [values(cell), dense.get(cell.model)];
    return own && reference && minus(own, reference);
  };
  const size = Math.max(...cells.map((cell) => cell.size ?? 0));
  return distinct(cells.map(({ methodLabel }) => methodLabel)).map((method) => {
    const own = cells.filter((cell) => cell.methodLabel === method && cell.size === size);
    const comparisons = pairs(models, (model) => own.filter((cell) => cell.model === model), cost);
    return { kind: "model", model: null, method, size, comparisons: compareFamily(comparisons) };
  });
}

function setName({ source, set }: CellResult): string {
  return JSON.stringify([source, set]);
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
