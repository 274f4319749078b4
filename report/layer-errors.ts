import type { CellResult, LayerErrors, SourceLayerErrors } from "../study/results.js";

/** Gathers the layer errors of a study's cells as they are read, so that a report holds some figures a source and not all cells'. */
export interface LayerErrorCollector {
  /** @returns the cell without its layer errors */
  take(cell: CellResult): CellResult;
  /** Of the largest sets of each model and method, in the order of the cells. Noise replicates don't count. */
  summaries(): SourceLayerErrors[];
}

/** Running sums after Welford (Technometrics 4, 1962), [block][linear]. */
interface Gathered {
  place: { model: string; methodLabel: string; size: number; source: string };
  linears: readonly string[];
  cells: number;
  sums: { count: number; mean: number; squares: number }[][];
}

export function layerErrorCollector(): LayerErrorCollector {
  const gathered = new Map<string, Gathered>();
  return {
    take: ({ layers, ...cell }) => {
      const { model, methodLabel, size, source, noise } = cell;
      if (layers === undefined || noise !== null || size === null || source === null) return cell;
      const place = { model, methodLabel, size, source };
      const key = JSON.stringify(place);
      const known = gathered.get(key) ?? { place, linears: layers.linears, cells: 0, sums: emptySums(layers) };
      addTo(known, layers);
      gathered.set(key, known);
      return cell;
    },
    summaries: () => {
      const all = [...gathered.values()];
      const isLargest = ({ place }: Gathered) =>
        all.every(({ place: other }) => !isSameMethod(place, other) || other.size <= place.size);
      return all.filter(isLargest).map(summarize);
    },
  };
}

function emptySums({ blocks }: LayerErrors): Gathered["sums"] {
  return blocks.map((linears) => linears.map(() => ({ count: 0, mean: 0, squares: 0 })));
}

function addTo(gathered: Gathered, { blocks }: LayerErrors): void {
  gathered.cells++;
  blocks.forEach((linears, block) => {
    linears.forEach((value, linear) => {
      if (value === null) return;
      const sum = gathered.sums[block][linear];
      const before = value - sum.mean;
      sum.count++;
      sum.mean += before / sum.count;
      sum.squares += before * (value - sum.mean);
    });
  });
}

function isSameMethod(one: Gathered["place"], other: Gathered["place"]): boolean {
  return one.model === other.model && one.methodLabel === other.methodLabel;
}

function summarize({ place, linears, cells, sums }: Gathered): SourceLayerErrors {
  const round = (value: number) => Number(value.toPrecision(6));
  return {
    ...place,
    cells,
    linears,
    means: sums.map((block) => block.map(({ count, mean }) => (count < cells ? null : round(mean)))),
    deviations: sums.map((block) =>
      block.map(({ count, squares }) => (count < cells || count < 2 ? null : round(Math.sqrt(squares / (count - 1))))),
    ),
  };
}
