import type { SourceLayerErrors, StudyResults } from "../study/results.js";
import type { ModelStatistics } from "./statistics.js";

/** Where in the model a method loses most, and where that depends most on the calibration data. */
export interface LayerSensitivity {
  method: string;
  /** Sequences a set. */
  size: number;
  /** Calibration sets, of all sources. */
  cells: number;
  /** Names inside a block. */
  linears: readonly string[];
  /** Relative errors, means over the sets, [block][linear]; null: the block has no such linear, or not every set reached it. */
  means: Matrix;
  /** Their standard deviations over all sets in shares of the means; null also with fewer than two sets. */
  variations: Matrix;
  /** Means over the blocks, of each linear. */
  sources: readonly { source: string; cells: number; means: readonly (number | null)[] }[];
  /** By variation, the largest first. */
  mostVarying: readonly VaryingLayer[];
}

export type Matrix = readonly (readonly (number | null)[])[];

export interface LayerPlace {
  block: number;
  linear: string;
}

export interface VaryingLayer extends LayerPlace {
  mean: number;
  variation: number;
  highest: { source: string; mean: number };
  lowest: { source: string; mean: number };
}

const MOST_SHOWN = 5;

/** For each method whose cells say what their linears lost. */
export function layerSensitivities(
  { layers = [] }: StudyResults,
  { model, methods }: ModelStatistics,
): LayerSensitivity[] {
  return methods.flatMap(({ method }) => {
    const sources = layers.filter((each) => each.model === model && each.methodLabel === method);
    return sources.length === 0 ? [] : [sensitivityOf(method, sources)];
  });
}

function sensitivityOf(method: string, sources: readonly SourceLayerErrors[]): LayerSensitivity {
  const [{ size, linears, means: shape }] = sources;
  const pooled = shape.map((block, b) => block.map((_, l) => pool(sources, b, l)));
  const variations = pooled.map((block) => block.map((entry) => entry && variationOf(entry)));
  return {
    method,
    size,
    cells: sources.reduce((sum, { cells }) => sum + cells, 0),
    linears,
    means: pooled.map((block) => block.map((entry) => entry && round(entry.mean))),
    variations,
    sources: sources.map(({ source, cells, means }) => ({
      source,
      cells,
      means: linears.map((_, linear) => meanOf(means.map((block) => block[linear]))),
    })),
    mostVarying: mostVarying(sources, linears, pooled, variations),
  };
}

interface Pooled {
  count: number;
  mean: number;
  /** Of the deviations from the mean over all sets. */
  squares: number;
}

/** Over the sets of all sources; null where one source lacks it. */
function pool(sources: readonly SourceLayerErrors[], block: number, linear: number): Pooled | null {
  const parts = sources.flatMap(({ cells, means, deviations }) => {
    const mean = means[block][linear];
    return mean === null ? [] : [{ cells, mean, squares: (cells - 1) * (deviations[block][linear] ?? 0) ** 2 }];
  });
  if (parts.length < sources.length) return null;
  const count = parts.reduce((sum, { cells }) => sum + cells, 0);
  // As in summarize: a mean is rounded, and equal values have to vary by exactly 0.
  const isOne = parts.every((part) => part.mean === parts[0].mean);
  const mean = isOne ? parts[0].mean : parts.reduce((sum, part) => sum + part.cells * part.mean, 0) / count;
  const squares = parts.reduce((sum, part) => sum + part.squares + part.cells * (part.mean - mean) ** 2, 0);
  return { count, mean, squares };
}

function variationOf({ count, mean, squares }: Pooled): number | null {
  return count < 2 || mean === 0 ? null : round(Math.sqrt(squares / (count - 1)) / mean);
}

function mostVarying(
  sources: readonly SourceLayerErrors[],
  linears: readonly string[],
  pooled: readonly (readonly (Pooled | null)[])[],
  variations: Matrix,
): VaryingLayer[] {
  const places = variations.flatMap((entries, block) =>
    entries.flatMap((variation, linear) => (variation === null ? [] : [{ block, linear, variation }])),
  );
  return places
    .sort((a, b) => b.variation - a.variation)
    .slice(0, MOST_SHOWN)
    .map(({ block, linear, variation }) => {
      const bySource = sources
        .map(({ source, means }) => ({ source, mean: means[block][linear] ?? 0 }))
        .sort((a, b) => b.mean - a.mean);
      const mean = round(pooled[block][linear]?.mean ?? 0);
      return {
        block,
        linear: linears[linear],
        mean,
        variation,
        highest: bySource[0],
        lowest: bySource[bySource.length - 1],
      };
    });
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : round(known.reduce((sum, value) => sum + value, 0) / known.length);
}

/** The stored shares have four digits. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}
