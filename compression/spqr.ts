import * as tf from "@tensorflow/tfjs-core";
import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import type { Panel, PanelRule } from "./column-panels.js";
import { solveColumns } from "./column-solver.js";
import { pivotsOf, type TensorRule } from "./column-tensors.js";
import { type Factors, factorise } from "./factorisation.js";
import { allocateStatistics, quantizeInRuns, runValues } from "./grid-statistics.js";
import { allocateQuantized, contiguousGroups, dequantize, groupCount } from "./groups.js";
import type { GridStatistics, Layer, LayerShape, Method, QuantizedLayer, Solution, Visits } from "./method.js";
import { secondMoment } from "./statistics.js";
import { valuesOf } from "./tensor-grids.js";
import {
  fitTwoLevels,
  realCodesOf,
  type TwoLevelGrids,
  takeStatistics,
  withoutLikelyOutliers,
} from "./tensor-real-grids.js";

type Settings = SettingsOf<"spqr">;
type TwoLevelLayer = QuantizedLayer & { statistics: GridStatistics };

/** SpQR (Dettmers et al. 2023, arXiv 2306.03078), as Vahe1994/SpQR computes it. */
export const spqr: Method<Settings> = {
  name: "spqr",
  statistics: "secondMoment",
  checkSettings,
  compress: (layers, statistics, settings, visits) => {
    const [{ name, columns }] = layers;
    const options = {
      damping: settings.damping,
      descending: settings.order === "actOrder",
      dead: "dampedFirst",
    } as const;
    const factors = factorise(secondMoment(statistics), columns, options, `inputs of ${name}`);
    return layers.map((layer) => solve(layer, factors, settings, visits));
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

function solve(layer: Layer, factors: Factors, settings: Settings, visits: Visits | undefined): Solution {
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
  const given = { factors, settings, threshold, quantized, groupSize: groupSize === -1 ? columns : groupSize };
  const rule = {
    bytes: quantized.outliers === undefined ? [quantized.codes] : [quantized.codes, quantized.outliers],
    kernels: () => panelRule(given),
    tensors: () => tensorRule(given),
  };
  const solved = solveColumns(layer, factors, blockSize, rule, visits);
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

interface Given {
  factors: Factors;
  settings: Settings;
  /** What an error's square must be above for an outlier; infinite: there are none. */
  threshold: number;
  quantized: TwoLevelLayer;
  /** Never -1. */
  groupSize: number;
}

function panelRule({ factors, settings, threshold, quantized, groupSize }: Given): PanelRule {
  const { order, columns } = factors;
  const { groupIndex, statistics } = quantized;
  const limit = 2 ** settings.bits - 1;
  const leftOut = settings.simplifiedOutliers ? Number.POSITIVE_INFINITY : threshold;
  return {
    lookAhead: groupSize,
    rowRun: statistics.runRows,
    visit: (panel, column) => {
      const j = column - panel.start;
      if (column % groupSize === 0) {
        panel.fitReal(j, Math.min(groupSize, columns - column), limit, leftOut);
        quantizeGrids(panel, groupIndex[order[column]], quantized);
      }
      panel.roundReal(j, limit, threshold);
    },
  };
}

function tensorRule({ factors, settings, threshold, quantized, groupSize }: Given): TensorRule {
  const { statistics, groups, scales, zeros, outliers } = quantized;
  const largest = 2 ** settings.bits - 1;
  const limit = tf.scalar(largest);
  const searches = Number.isFinite(threshold) && !settings.simplifiedOutliers;
  const grids: TwoLevelGrids[] = [];
  let bounds: tf.Tensor2D[] = [];
  return {
    lookAhead: groupSize,
    begin: (column, ahead) => {
      const end = Math.min(factors.columns, column + groupSize);
      const [grid, nextBounds] = tf.tidy(() => {
        const [pivots, current] = [pivotsOf(factors, column, end), ahead(0, end - column)];
        const fitted = searches ? withoutLikelyOutliers(current, pivots, largest, threshold) : current;
        return [
          fitTwoLevels(fitted, largest, 2 ** statistics.bits - 1, statistics.runRows),
          tf.split<tf.Tensor2D>(tf.mul(pivots, Math.sqrt(threshold)), end - column),
        ] as const;
      });
      grids.push(grid);
      bounds = nextBounds;
    },
    visit: (value, column) => {
      const grid = grids[grids.length - 1];
      const code = realCodesOf(value, grid, limit);
      const rounded = valuesOf(code, grid);
      if (outliers === undefined) return { kept: rounded, bytes: [code] };
      const isOutlier = tf.greater<tf.Tensor2D>(tf.abs(tf.sub(value, rounded)), bounds[column % groupSize]);
      return { kept: tf.where(isOutlier, value, rounded), bytes: [code, isOutlier] };
    },
    finish: ({ weight }) => {
      takeStatistics(grids, statistics);
      scales.set(runValues(statistics.scales, groups, statistics.runRows));
      zeros.set(runValues(statistics.zeros, groups, statistics.runRows));
      // A backend may take the least floats for 0.
      weight.set(dequantize(quantized, weight));
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
