import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import { type ColumnRule, type Panel, solveColumns } from "./column-solver.js";
import { type Factors, factorise } from "./factorisation.js";
import { allocateStatistics, quantizeInRuns } from "./grid-statistics.js";
import { allocateQuantized, contiguousGroups, groupCount } from "./groups.js";
import type { GridStatistics, Layer, LayerShape, Method, QuantizedLayer, Solution } from "./method.js";
import { secondMoment } from "./statistics.js";

type Settings = SettingsOf<"spqr">;
type TwoLevelLayer = QuantizedLayer & { statistics: GridStatistics };

/** SpQR (Dettmers et al. 2023, arXiv 2306.03078), as Vahe1994/SpQR computes it. */
export const spqr: Method<Settings> = {
  name: "spqr",
  statistics: "secondMoment",
  checkSettings,
  compress: (layers, statistics, settings) => {
    const [{ name, columns }] = layers;
    const options = {
      damping: settings.damping,
      descending: settings.order === "actOrder",
      dead: "dampedFirst",
    } as const;
    const factors = factorise(secondMoment(statistics), columns, options, `inputs of ${name}`);
    return layers.map((layer) => solve(layer, factors, settings));
  },
};

/** Groups are fitted on current weights, so a block must have all of a group. */
function checkSettings({ name, columns }: LayerShape, { groupSize, blockSize }: Settings): void {
  const wholeRow = groupSize === -1 && blockSize >= columns;
  if (wholeRow || (groupSize > 0 && blockSize % groupSize === 0)) return;
  throw new TouchstoneError("InvalidSettings", {
    what: `blockSize ${blockSize} is not a multiple of groupSize ${groupSize === -1 ? columns : groupSize}`,
    where: name,
    todo: "Make blockSize a multiple of groupSize.",
  });
}

function solve(layer: Layer, factors: Factors, settings: Settings): Solution {
  const { rows, columns } = layer;
  const { bits, groupSize, blockSize, outlierThreshold, statisticsBits, statisticsGroupSize } = settings;
  const visited = contiguousGroups(columns, groupSize);
  const groupIndex = new Int32Array(columns);
  factors.order.forEach((input, column) => {
    groupIndex[input] = visited[column];
  });
  const groups = groupCount(columns, groupSize);
  const quantized: TwoLevelLayer = {
    ...allocateQuantized(rows, bits, groupIndex, groups),
    statistics: allocateStatistics(rows, groups, statisticsBits, statisticsGroupSize),
    ...(outlierThreshold === null ? {} : { outliers: new Uint8Array(layer.weight.length) }),
  };
  const threshold =
    outlierThreshold === null ? Number.POSITIVE_INFINITY : outlierBound(layer, factors, outlierThreshold);
  const solved = solveColumns(layer, factors, blockSize, spqrRule(layer, factors, settings, threshold, quantized));
  return { ...solved, quantized, damping: factors.damping };
}

/** threshold * mean over columns of var(W[:,j]) / U[j,j]^2; no bound where there is no variance to speak of (one row). */
function outlierBound({ weight, rows, columns }: Layer, { order, dead, upper }: Factors, threshold: number): number {
  const squares = squaresAroundMean(weight, rows, columns);
  let sum = 0;
  for (let column = 0; column < columns; column++) {
    if (dead[column] === 1) continue;
    sum += squares[order[column]] / (rows - 1) / upper[column * (columns + 1)] ** 2;
  }
  const bound = Math.fround((threshold * sum) / columns);
  return Number.isFinite(bound) ? bound : Number.POSITIVE_INFINITY;
}

/** Per column: the sum over rows of (W - mean)^2. */
function squaresAroundMean(weight: Float32Array, rows: number, columns: number): Float64Array {
  const means = new Float64Array(columns);
  for (let i = 0; i < weight.length; ) for (let column = 0; column < columns; column++) means[column] += weight[i++];
  for (let column = 0; column < columns; column++) means[column] /= rows;
  const squares = new Float64Array(columns);
  for (let i = 0; i < weight.length; ) {
    for (let column = 0; column < columns; column++) {
      const difference = weight[i++] - means[column];
      squares[column] += difference * difference;
    }
  }
  return squares;
}

function spqrRule(
  { columns }: Layer,
  { order }: Factors,
  { bits, groupSize, simplifiedOutliers }: Settings,
  threshold: number,
  quantized: TwoLevelLayer,
): ColumnRule {
  const { codes, groupIndex, statistics, outliers } = quantized;
  const limit = 2 ** bits - 1;
  const size = groupSize === -1 ? columns : groupSize;
  const leftOut = simplifiedOutliers ? Number.POSITIVE_INFINITY : threshold;
  return {
    lookAhead: size,
    rowRun: statistics.runRows,
    bytes: outliers === undefined ? [codes] : [codes, outliers],
    visit: (panel, column) => {
      const j = column - panel.start;
      if (column % size === 0) {
        panel.fitReal(j, Math.min(size, columns - column), limit, leftOut);
        quantizeGrids(panel, groupIndex[order[column]], quantized);
      }
      panel.roundReal(j, limit, threshold);
    },
  };
}

/** The second level: a panel's scales and zero points of a group are quantized in runs of rows. */
function quantizeGrids({ scales, zeros, firstRow, rows }: Panel, group: number, into: TwoLevelLayer): void {
  const { statistics, groups } = into;
  quantizeInRuns(scales.subarray(0, rows), statistics, statistics.scales, firstRow, group, groups);
  quantizeInRuns(zeros.subarray(0, rows), statistics, statistics.zeros, firstRow, group, groups);
  for (let r = 0, at = firstRow * groups + group; r < rows; r++, at += groups) {
    into.scales[at] = scales[r];
    into.zeros[at] = zeros[r];
  }
}
