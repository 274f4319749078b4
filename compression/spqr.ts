import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import { type ColumnRule, type Panel, solveColumns, visitedColumns } from "./column-solver.js";
import { type Factors, factorise } from "./factorisation.js";
import { dequantized } from "./grid.js";
import { allocateStatistics, quantizeInRuns } from "./grid-statistics.js";
import { allocateQuantized, contiguousGroups, dequantize, groupCount } from "./groups.js";
import { markLikelyOutliers } from "./likely-outliers.js";
import type { CompressedLayer, GridStatistics, Layer, LayerShape, Method, QuantizedLayer } from "./method.js";
import { fitRealGrid, realCodeOf } from "./real-grid.js";
import { secondMoment } from "./statistics.js";

type Settings = SettingsOf<"spqr">;
type TwoLevelLayer = QuantizedLayer & { statistics: GridStatistics };

/** SpQR (Dettmers et al. 2023, arXiv 2306.03078), as methods.md defines it after Vahe1994/SpQR. */
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

function solve(layer: Layer, factors: Factors, settings: Settings): CompressedLayer {
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
  const exact = new Float32Array(layer.weight.length);
  const threshold =
    outlierThreshold === null ? Number.POSITIVE_INFINITY : outlierBound(layer, factors, outlierThreshold);
  solveColumns(layer, factors, blockSize, spqrRule(layer, factors, settings, threshold, quantized, exact));
  return { weight: dequantize(quantized, exact), quantized, damping: factors.damping };
}

/** threshold * mean over columns of var(W[:,j]) / U[j,j]^2; no bound where there is no variance to speak of (one row). */
function outlierBound(layer: Layer, factors: Factors, threshold: number): number {
  const { rows, columns } = layer;
  const weights = visitedColumns(layer, factors);
  let sum = 0;
  for (let column = 0; column < columns; column++) {
    const values = weights.subarray(column * rows, (column + 1) * rows);
    const mean = values.reduce((total, value) => total + value, 0) / rows;
    const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / (rows - 1);
    sum += variance / factors.upper[column * (columns + 1)] ** 2;
  }
  const bound = Math.fround((threshold * sum) / columns);
  return Number.isFinite(bound) ? bound : Number.POSITIVE_INFINITY;
}

function spqrRule(
  layer: Layer,
  { order, upper }: Factors,
  settings: Settings,
  threshold: number,
  quantized: TwoLevelLayer,
  exact: Float32Array,
): ColumnRule {
  const { columns } = layer;
  const { codes, scales, zeros, groups, groupIndex, statistics, outliers } = quantized;
  const { bits, groupSize } = settings;
  const limit = 2 ** bits - 1;
  const size = groupSize === -1 ? columns : groupSize;
  const pivots = Float32Array.from({ length: columns }, (_, column) => upper[column * (columns + 1)]);
  const fit = groupFitter(settings, threshold, quantized);
  return {
    lookAhead: size,
    rowRun: statistics.runRows,
    visit: (panel, column, kept) => {
      const { values, firstRow, rows, start, height } = panel;
      const input = order[column];
      const group = groupIndex[input];
      if (column % size === 0) fit(panel, column, pivots.subarray(column, column + size), group);
      for (let r = 0; r < rows; r++) {
        const weight = values[(column - start) * height + r];
        const at = (firstRow + r) * columns + input;
        const grid = (firstRow + r) * groups + group;
        codes[at] = realCodeOf(weight, scales[grid], zeros[grid], limit);
        kept[r] = dequantized(codes[at], scales[grid], zeros[grid]);
        const error = Math.fround(Math.fround(weight - kept[r]) / pivots[column]);
        if (outliers !== undefined && Math.fround(error * error) > threshold) {
          outliers[at] = 1;
          exact[at] = weight;
          kept[r] = weight;
        }
      }
    },
  };
}

/** Fits the two-level grids of a group on a panel's current weights, those of likely outliers replaced by the mean of the rest. */
function groupFitter(settings: Settings, threshold: number, { statistics, groups, ...level }: TwoLevelLayer) {
  const { bits, simplifiedOutliers } = settings;
  const search = !simplifiedOutliers && threshold !== Number.POSITIVE_INFINITY;
  return (
    { values, firstRow, rows, start, height }: Panel,
    column: number,
    pivots: Float32Array,
    group: number,
  ): void => {
    const count = pivots.length;
    const scales = new Float32Array(rows);
    const zeros = new Float32Array(rows);
    const row = new Float32Array(count);
    const marks = new Uint8Array(count);
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < count; k++) row[k] = values[(column - start + k) * height + r];
      if (search) {
        markLikelyOutliers(row, count, pivots, bits, threshold, marks);
        replaceMarked(row, marks);
      }
      const { scale, zero } = fitRealGrid(row, count, bits);
      scales[r] = scale;
      zeros[r] = zero;
    }
    quantizeInRuns(scales, statistics, statistics.scales, firstRow, group, groups);
    quantizeInRuns(zeros, statistics, statistics.zeros, firstRow, group, groups);
    for (let r = 0; r < rows; r++) {
      level.scales[(firstRow + r) * groups + group] = scales[r];
      level.zeros[(firstRow + r) * groups + group] = zeros[r];
    }
  };
}

/** By the mean of the others; by 0 where there are none. */
function replaceMarked(row: Float32Array, marks: Uint8Array): void {
  let sum = 0;
  let left = 0;
  for (let k = 0; k < row.length; k++) {
    if (marks[k] === 1) continue;
    sum += row[k];
    left++;
  }
  const mean = sum / Math.max(1, left);
  for (let k = 0; k < row.length; k++) if (marks[k] === 1) row[k] = mean;
}
