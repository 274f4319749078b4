import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import { type Block, type ColumnRule, type Panel, solveColumns } from "./column-solver.js";
import { type Factors, factorise } from "./factorisation.js";
import { allocateQuantized, contiguousGroups, fitContiguousGroups, fitGroup, groupCount } from "./groups.js";
import type { Layer, LayerShape, Method, QuantizedLayer, Solution } from "./method.js";
import { secondMoment } from "./statistics.js";

type Settings = SettingsOf<"gptq">;

/** GPTQ (Frantar et al. 2023, arXiv 2210.17323), as IST-DASLab/gptq computes it. */
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

function solve(layer: Layer, factors: Factors, settings: Settings): Solution {
  const quantized = allocateGroups(layer, factors, settings);
  const solved = solveColumns(layer, factors, settings.blockSize, gptqRule(layer, factors, settings, quantized));
  return { ...solved, quantized, damping: factors.damping };
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
  const { columns } = layer;
  const { order } = factors;
  const { codes, groupIndex } = quantized;
  const limit = 2 ** settings.bits - 1;
  const wholeRow = settings.groupSize === -1;
  if (wholeRow) fitContiguousGroups(layer.weight, columns, -1, settings, quantized);
  else if (settings.staticGroups) {
    fitContiguousGroups(withoutDead(layer, factors), columns, settings.groupSize, settings, quantized);
  }
  let loadedGroup = -1;
  return {
    lookAhead: settings.blockSize,
    bytes: [codes],
    beginBlock: wholeRow || settings.staticGroups ? undefined : (block) => fitGroups(block, layer, settings, quantized),
    beginPanel: () => {
      loadedGroup = -1;
    },
    visit: (panel, column) => {
      const group = groupIndex[order[column]];
      if (group !== loadedGroup) loadGrids(panel, group, quantized);
      loadedGroup = group;
      panel.round(column - panel.start, limit);
    },
  };
}

function loadGrids(panel: Panel, group: number, { scales, zeros, groups }: QuantizedLayer): void {
  for (let r = 0, at = panel.firstRow * groups + group; r < panel.rows; r++, at += groups) {
    panel.scales[r] = scales[at];
    panel.zeros[r] = zeros[at];
  }
}

function withoutDead({ weight, columns }: Layer, { order, dead }: Factors): Float32Array {
  const live = weight.slice();
  dead.forEach((isDead, column) => {
    if (isDead === 1) for (let i = order[column]; i < live.length; i += columns) live[i] = 0;
  });
  return live;
}

/** Fits the groups that start in a block on its weights as they stand before the block's own errors. */
function fitGroups(block: Block, { columns }: Layer, settings: Settings, into: QuantizedLayer): void {
  const { groupSize } = settings;
  const firstGroup = Math.ceil(block.start / groupSize);
  const lastGroup = Math.ceil(block.end / groupSize) - 1;
  if (lastGroup < firstGroup) return;
  const end = Math.max(block.end, Math.min(columns, (lastGroup + 1) * groupSize));
  const values = block.columns(end);
  for (let group = firstGroup; group <= lastGroup; group++) {
    const start = group * groupSize;
    const count = Math.min(groupSize, columns - start);
    fitGroup(values, { width: end - block.start, from: start - block.start, count, group }, settings, into);
  }
}
