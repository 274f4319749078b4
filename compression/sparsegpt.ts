import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import { type Block, type ColumnRule, solveColumns } from "./column-solver.js";
import { type Factors, factorise } from "./factorisation.js";
import { checkPattern, kthSmallest, markLeast, type Pattern, parsePattern } from "./mask.js";
import type { CompressedLayer, Layer, LayerShape, Method } from "./method.js";
import { secondMoment } from "./statistics.js";

type Settings = SettingsOf<"sparsegpt">;

/** SparseGPT (Frantar & Alistarh 2023, arXiv 2301.00774), as methods.md defines it after IST-DASLab/sparsegpt. */
export const sparsegpt: Method<Settings> = {
  name: "sparsegpt",
  statistics: "secondMoment",
  checkSettings,
  compress: (layers, statistics, { damping, ...settings }) => {
    const [{ name, columns }] = layers;
    const options = { damping, descending: false, dead: "fixedFirst" } as const;
    const factors = factorise(secondMoment(statistics), columns, options, `inputs of ${name}`);
    return layers.map((layer) => prune(layer, factors, settings));
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

function prune(layer: Layer, factors: Factors, settings: Omit<Settings, "damping">): CompressedLayer {
  const mask = new Uint8Array(layer.weight.length).fill(1);
  const weight = new Float32Array(layer.weight.length);
  const { pattern, sparsity, blockSize } = settings;
  const choose =
    pattern === undefined
      ? blockMask(layer, factors, sparsity ?? 0, mask)
      : runMask(layer, factors, parsePattern(pattern), mask);
  const { columns } = layer;
  solveColumns(layer, factors, blockSize, {
    lookAhead: pattern === undefined ? blockSize : parsePattern(pattern).of,
    beginBlock: choose.beginBlock,
    visit: (panel, column, kept) => {
      choose.beginColumn?.(panel, column);
      for (let r = 0; r < panel.rows; r++) {
        const at = (panel.firstRow + r) * columns + column;
        kept[r] = mask[at] === 1 ? panel.values[(column - panel.start) * panel.height + r] : 0;
        weight[at] = kept[r];
      }
    },
  });
  return { weight, mask, damping: factors.damping };
}

interface MaskRule {
  beginBlock?: ColumnRule["beginBlock"];
  beginColumn?(panel: Parameters<ColumnRule["visit"]>[0], column: number): void;
}

/** w^2 / U[j,j]^2, in float32 as the reference has it: what pruning the weight costs. */
function costOf(weight: number, pivot: number): number {
  return Math.fround(Math.fround(weight * weight) / Math.fround(pivot * pivot));
}

function pivotOf({ upper, columns }: Factors, column: number): number {
  return upper[column * (columns + 1)];
}

/** At every m-th column: the n cheapest of the next m of each row. */
function runMask({ columns }: Layer, factors: Factors, { pruned, of }: Pattern, mask: Uint8Array): MaskRule {
  const costs = new Float32Array(of);
  const marks = new Uint8Array(of);
  return {
    beginColumn: ({ values, firstRow, rows, start, height }, column) => {
      if (column % of !== 0) return;
      for (let r = 0; r < rows; r++) {
        for (let i = 0; i < of; i++) {
          const weight = Math.fround(values[(column - start + i) * height + r]);
          costs[i] = costOf(weight, pivotOf(factors, column + i));
        }
        markLeast(costs, pruned, marks);
        for (let i = 0; i < of; i++) mask[(firstRow + r) * columns + column + i] = 1 - marks[i];
      }
    },
  };
}

/** At every block: what costs at most the floor(sparsity * count)-th smallest, 0-based, of the block of all rows. */
function blockMask({ rows, columns }: Layer, factors: Factors, sparsity: number, mask: Uint8Array): MaskRule {
  return {
    beginBlock: ({ start, end, columns: read }: Block) => {
      const costs = read(end).map((weight, i) => costOf(weight, pivotOf(factors, start + Math.floor(i / rows))));
      const threshold = kthSmallest(costs, Math.floor(sparsity * costs.length));
      for (let i = 0; i < costs.length; i++) {
        if (costs[i] <= threshold) mask[(i % rows) * columns + start + Math.floor(i / rows)] = 0;
      }
    },
  };
}
