import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import { type Block, type ColumnRule, solveColumns } from "./column-solver.js";
import { type Factors, factorise } from "./factorisation.js";
import { checkPattern, kthSmallest, type Pattern, parsePattern } from "./mask.js";
import type { Layer, LayerShape, Method, Solution } from "./method.js";
import { secondMoment } from "./statistics.js";

type Settings = SettingsOf<"sparsegpt">;

/** SparseGPT (Frantar & Alistarh 2023, arXiv 2301.00774), as IST-DASLab/sparsegpt computes it. */
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

function prune(layer: Layer, factors: Factors, settings: Omit<Settings, "damping">): Solution {
  const mask = new Uint8Array(layer.weight.length);
  const { pattern, sparsity, blockSize } = settings;
  const choose =
    pattern === undefined ? blockMask(layer, factors, sparsity ?? 0, blockSize) : patternMask(parsePattern(pattern));
  const solved = solveColumns(layer, factors, blockSize, {
    ...choose,
    bytes: [mask],
    visit: (panel, column) => {
      choose.visit?.(panel, column);
      panel.keepMarked(column - panel.start);
    },
  });
  return { ...solved, mask, damping: factors.damping };
}

/** A rule that sets the panel's first bytes: 1 = kept. */
type MaskRule = Pick<ColumnRule, "lookAhead" | "beginBlock" | "beginPanel"> & Partial<Pick<ColumnRule, "visit">>;

/** At every m-th column: all but the n of the next m of each row whose loss costs least, w^2 / U[j,j]^2. */
function patternMask({ pruned, of }: Pattern): MaskRule {
  return {
    lookAhead: of,
    visit: (panel, column) => {
      if (column % of === 0) panel.markLeast(column - panel.start, of, pruned);
    },
  };
}

/** At every block: all but what costs at most the floor(sparsity * count)-th smallest, 0-based, of the block of all rows. */
function blockMask({ rows }: Layer, { upper, columns }: Factors, sparsity: number, blockSize: number): MaskRule {
  let marks = new Uint8Array();
  let width = 0;
  return {
    lookAhead: blockSize,
    beginBlock: ({ start, end, columns: read }: Block) => {
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
  };
}

/** w^2 / U[j,j]^2, in float32 as the reference has it: what pruning the weight costs. */
function costOf(weight: number, pivot: number): number {
  return Math.fround(Math.fround(weight * weight) / Math.fround(pivot * pivot));
}
