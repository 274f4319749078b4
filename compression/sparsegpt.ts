import * as tf from "@tensorflow/tfjs-core";
import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import { type ColumnRule, solveColumns } from "./column-solver.js";
import { pivotsOf, type TensorRule } from "./column-tensors.js";
import { type Factors, factorise } from "./factorisation.js";
import { checkPattern, kthSmallest, type Pattern, parsePattern, pruned as prunedBy } from "./mask.js";
import type { Layer, LayerShape, Method, Solution, Visits } from "./method.js";
import { secondMoment } from "./statistics.js";

type Settings = SettingsOf<"sparsegpt">;

/** SparseGPT (Frantar & Alistarh 2023, arXiv 2301.00774), as IST-DASLab/sparsegpt computes it. */
export const sparsegpt: Method<Settings> = {
  name: "sparsegpt",
  statistics: "secondMoment",
  checkSettings,
  compress: (layers, statistics, { damping, ...settings }, visits) => {
    const [{ name, columns }] = layers;
    const options = { damping, descending: false, dead: "fixedFirst" } as const;
    const factors = factorise(secondMoment(statistics), columns, options, `inputs of ${name}`);
    return layers.map((layer) => prune(layer, factors, settings, visits));
  },
};

function checkSettings(layer: LayerShape, { pattern, blockSize }: Settings): void {
  checkPattern(layer, pattern);
  if (pattern === undefined || blockSize % parsePattern(pattern).of === 0) return;
  throw new TouchstoneError("InvalidSettings", {
    what: `blockSize ${blockSize} is not a multiple of the ${parsePattern(pattern).of} of pattern ${pattern}`,
    where: layer.name,
    todo: "Make blockSize a multiple of it.",
  });
}

function prune(
  layer: Layer,
  factors: Factors,
  { pattern, sparsity = 0, blockSize }: Omit<Settings, "damping">,
  visits: Visits | undefined,
): Solution {
  const mask = new Uint8Array(layer.weight.length);
  const rule =
    pattern === undefined
      ? blockMask(layer, factors, sparsity, blockSize)
      : patternMask(factors, parsePattern(pattern));
  const solved = solveColumns(layer, factors, blockSize, { ...rule, bytes: [mask] }, visits);
  return { ...solved, mask, damping: factors.damping };
}

/** Sets the bytes: 1 = kept. */
type MaskRule = Pick<ColumnRule, "kernels" | "tensors">;

/** At every m-th column: all but the n of the next m of each row whose loss costs least, w^2 / U[j,j]^2. */
function patternMask(factors: Factors, { pruned, of }: Pattern): MaskRule {
  return {
    kernels: () => ({
      lookAhead: of,
      visit: (panel, column) => {
        if (column % of === 0) panel.markLeast(column - panel.start, of, pruned);
        panel.keepMarked(column - panel.start);
      },
    }),
    tensors: () => {
      const isLater = Array.from({ length: of * of }, (_, i) => i % of > Math.floor(i / of));
      const later = tf.tensor3d(isLater, [of, of, 1], "bool");
      return tensorRule(factors, of, (costs) => {
        const [own, other] = [tf.expandDims(costs, 1), tf.expandDims(costs, 0)];
        // Of equal costs the last is pruned first.
        const isCheaper = tf.logicalOr(tf.less(other, own), tf.logicalAnd(tf.equal(other, own), later));
        return tf.greaterEqual(tf.sum<tf.Tensor2D>(tf.cast(isCheaper, "float32"), 1), pruned);
      });
    },
  };
}

/** At every block: all but what costs at most the floor(sparsity * count)-th smallest, 0-based, of the block of all rows. */
function blockMask({ rows }: Layer, factors: Factors, sparsity: number, blockSize: number): MaskRule {
  return {
    kernels: () => {
      const { upper, columns } = factors;
      let marks = new Uint8Array();
      let width = 0;
      return {
        lookAhead: blockSize,
        beginBlock: ({ start, end, columns: read }) => {
          width = end - start;
          const pivots = Float32Array.from({ length: width }, (_, j) => upper[(start + j) * (columns + 1)]);
          const weights = read(end);
          const costs = new Float32Array(weights.length);
          for (let row = 0, i = 0; row < rows; row++) {
            for (let j = 0; j < width; j++, i++) costs[i] = costOf(weights[i], pivots[j]);
          }
          const threshold = kthSmallest(costs, Math.floor(sparsity * costs.length));
          marks = Uint8Array.from(costs, (cost) => (cost <= threshold ? 0 : 1));
        },
        beginPanel: ({ bytes: [kept], firstRow, rows: count, height }) => {
          for (let r = 0, i = firstRow * width; r < count; r++) {
            for (let j = 0; j < width; j++, i++) kept[j * height + r] = marks[i];
          }
        },
        visit: (panel, column) => panel.keepMarked(column - panel.start),
      };
    },
    tensors: () =>
      tensorRule(factors, blockSize, (costs) => {
        // The k-th smallest is the last of that many largest.
        const largest = costs.size - Math.floor(sparsity * costs.size);
        const { values } = tf.topk(tf.reshape(costs, [costs.size]), largest);
        return tf.greater(costs, tf.slice(values, largest - 1));
      }),
  };
}

/** w^2 / U[j,j]^2, in float32 as the reference has it: what pruning the weight costs. */
function costOf(weight: number, pivot: number): number {
  return Math.fround(Math.fround(weight * weight) / Math.fround(pivot * pivot));
}

/**
 * At every `lookAhead`-th column the next ones are marked by |w| / U[j,j]: the order of what pruning costs, without the squares,
 * which float32 may have no room for.
 * @param keep what is kept (1 or true) of costs [columns, rows]
 */
function tensorRule(factors: Factors, lookAhead: number, keep: (costs: tf.Tensor2D) => tf.Tensor2D): TensorRule {
  let marks: tf.Tensor2D[] = [];
  return {
    lookAhead,
    begin: (column, ahead) => {
      const end = Math.min(factors.columns, column + lookAhead);
      marks = tf.tidy(() => {
        const costs = tf.div<tf.Tensor2D>(tf.abs(ahead(0, end - column)), pivotsOf(factors, column, end));
        return tf.split(tf.cast(keep(costs), "float32"), end - column);
      });
    },
    visit: (value, column) => {
      const mark = marks[column % lookAhead];
      return { kept: tf.mul(value, mark), bytes: [mark] };
    },
    // Without the sign of a zero.
    finish: ({ weight, bytes: [mask] }) => weight.set(prunedBy(weight, mask).weight),
  };
}
