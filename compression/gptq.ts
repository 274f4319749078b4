import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import { type Block, type ColumnRule, solveColumns } from "./column-solver.js";
import { type Factors, factorise } from "./factorisation.js";
import { codeOf, dequantized, fitGrid } from "./grid.js";
import { allocateQuantized, contiguousGroups, dequantize, fitContiguousGroups, groupCount } from "./groups.js";
import type { CompressedLayer, Layer, LayerShape, Method, QuantizedLayer } from "./method.js";
import { secondMoment } from "./statistics.js";

type Settings = SettingsOf<"gptq">;

/** GPTQ (Frantar et al. 2023, arXiv 2210.17323), as methods.md defines it after IST-DASLab/gptq. */
export const gptq: Method<Settings> = {
  name: "gptq",
  statistics: "secondMoment",
  checkSettings,
  compress: (layers, statistics, settings) => {
    const [{ name, columns }] = layers;
    const { damping, actOrder: descending } = settings;
    const factors = factorise(
      secondMoment(statistics),
      columns,
      { damping, descending, dead: "fixedFirst" },
      `inputs of ${name}`,
    );
    return layers.map((layer) => solve(layer, factors, settings));
  },
};

function checkSettings({ name }: LayerShape, { groupSize, blockSize }: Settings): void {
  if (groupSize === -1 || groupSize >= blockSize || blockSize % groupSize === 0) return;
  throw new TouchstoneError("InvalidSettings", {
    what: `groupSize ${groupSize} doesn't divide blockSize ${blockSize}`,
    where: name,
    todo: "Make blockSize a multiple of groupSize.",
  });
}

function solve(layer: Layer, factors: Factors, settings: Settings): CompressedLayer {
  const quantized = allocateGroups(layer, factors, settings);
  solveColumns(layer, factors, settings.blockSize, gptqRule(layer, factors, settings, quantized));
  return { weight: dequantize(quantized), quantized, damping: factors.damping };
}

/** Groups are runs of inputs where their grids are fitted before the loop, else runs of visited columns. */
function allocateGroups({ rows, columns }: Layer, { order }: Factors, settings: Settings): QuantizedLayer {
  const { bits, groupSize, staticGroups } = settings;
  const groupIndex = contiguousGroups(columns, groupSize);
  if (!staticGroups) {
    const visited = groupIndex.slice();
    order.forEach((input, column) => {
      groupIndex[input] = visited[column];
    });
  }
  return allocateQuantized(rows, bits, groupIndex, groupCount(columns, groupSize));
}

function gptqRule(layer: Layer, factors: Factors, settings: Settings, quantized: QuantizedLayer): ColumnRule {
  const { rows, columns } = layer;
  const { order } = factors;
  const { codes, scales, zeros, groups, groupIndex } = quantized;
  const limit = 2 ** settings.bits - 1;
  const wholeRow = settings.groupSize === -1;
  if (wholeRow) fitContiguousGroups(layer.weight, rows, columns, -1, settings, quantized);
  else if (settings.staticGroups) {
    fitContiguousGroups(withoutDead(layer, factors), rows, columns, settings.groupSize, settings, quantized);
  }
  return {
    lookAhead: settings.blockSize,
    beginBlock: wholeRow || settings.staticGroups ? undefined : (block) => fitGroups(block, layer, settings, quantized),
    visit: ({ values, firstRow, rows, start, height }, column, kept) => {
      const at = (column - start) * height;
      const input = order[column];
      for (let r = 0; r < rows; r++) {
        const group = (firstRow + r) * groups + groupIndex[input];
        const code = codeOf(values[at + r], scales[group], zeros[group], limit);
        codes[(firstRow + r) * columns + input] = code;
        kept[r] = dequantized(code, scales[group], zeros[group]);
      }
    },
  };
}

function withoutDead({ weight, columns }: Layer, { order, dead }: Factors): Float32Array {
  const live = weight.slice();
  dead.forEach((isDead, column) => {
    if (isDead === 1) for (let i = order[column]; i < live.length; i += columns) live[i] = 0;
  });
  return live;
}

/** Fits the groups that start in a block on its weights as they stand before the block's own errors. */
function fitGroups(block: Block, { rows, columns }: Layer, settings: Settings, into: QuantizedLayer): void {
  const { groupSize } = settings;
  const firstGroup = Math.ceil(block.start / groupSize);
  const lastGroup = Math.ceil(block.end / groupSize) - 1;
  if (lastGroup < firstGroup) return;
  const values = block.columns(Math.max(block.end, Math.min(columns, (lastGroup + 1) * groupSize)));
  const row = new Float32Array(groupSize);
  for (let group = firstGroup; group <= lastGroup; group++) {
    const from = group * groupSize - block.start;
    const count = Math.min(groupSize, columns - group * groupSize);
    for (let r = 0; r < rows; r++) {
      for (let j = 0; j < count; j++) row[j] = values[(from + j) * rows + r];
      const { scale, zero } = fitGrid(row, 0, count, settings);
      into.scales[r * into.groups + group] = scale;
      into.zeros[r * into.groups + group] = zero;
    }
  }
}
