import * as tf from "@tensorflow/tfjs-core";
import { TouchstoneError } from "../study/errors.js";
import type { SettingsOf } from "../study/methods.js";
import type { Block, Panel, PanelRule } from "./column-panels.js";
import { solveColumns } from "./column-solver.js";
import type { TensorRule } from "./column-tensors.js";
import { type Factors, factorise } from "./factorisation.js";
import {
  allocateQuantized,
  contiguousGroups,
  dequantize,
  fitContiguousGroups,
  fitGroup,
  groupCount,
} from "./groups.js";
import type { Layer, LayerShape, Method, QuantizedLayer, Solution, Visits } from "./method.js";
import { secondMoment } from "./statistics.js";
import { codesOf, fitGrids, type Grids, takeRows, valuesOf } from "./tensor-grids.js";

type Settings = SettingsOf<"gptq">;

/** GPTQ (Frantar et al. 2023, arXiv 2210.17323), as IST-DASLab/gptq computes it. */
export const gptq: Method<Settings> = {
  name: "gptq",
  statistics: "secondMoment",
  checkSettings,
  compress: (layers, statistics, settings, visits) => {
    const [{ name, columns }] = layers;
    const { damping, actOrder: descending } = settings;
    const factors = factorise(
      secondMoment(statistics),
      columns,
      { damping, descending, dead: "fixedFirst" },
      `inputs of ${name}`,
    );
    return layers.map((layer) => solve(layer, factors, settings, visits));
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

function solve(layer: Layer, factors: Factors, settings: Settings, visits: Visits | undefined): Solution {
  const quantized = allocateGroups(layer, factors, settings);
  const wholeRow = settings.groupSize === -1;
  if (wholeRow) fitContiguousGroups(layer.weight, layer.columns, -1, settings, quantized);
  else if (settings.staticGroups) {
    fitContiguousGroups(withoutDead(layer, factors), layer.columns, settings.groupSize, settings, quantized);
  }
  const given = { layer, factors, settings, quantized, fitsGroups: !wholeRow && !settings.staticGroups };
  const rule = { bytes: [quantized.codes], kernels: () => panelRule(given), tensors: () => tensorRule(given) };
  const solved = solveColumns(layer, factors, settings.blockSize, rule, visits);
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

interface Given {
  layer: Layer;
  factors: Factors;
  settings: Settings;
  /** With its grids, where they are fitted before the loop. */
  quantized: QuantizedLayer;
  /** Whether groups are fitted when the block that they start in begins. */
  fitsGroups: boolean;
}

function panelRule({ layer, factors: { order }, settings, quantized, fitsGroups }: Given): PanelRule {
  const { groupIndex } = quantized;
  const limit = 2 ** settings.bits - 1;
  let loadedGroup = -1;
  return {
    lookAhead: settings.blockSize,
    beginBlock: fitsGroups ? (block) => fitGroups(block, layer, settings, quantized) : undefined,
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

function tensorRule({ layer, factors: { order }, settings, quantized, fitsGroups }: Given): TensorRule {
  const { groupIndex, scales, zeros } = quantized;
  const { blockSize, bits } = settings;
  const limit = tf.scalar(2 ** bits - 1);
  const grids = fitsGroups ? [] : gridsOnBackend(quantized);
  return {
    lookAhead: blockSize,
    begin: (start, ahead) => {
      if (!fitsGroups) return;
      for (const { group, from, count } of groupsFrom(start, start + blockSize, layer, settings)) {
        grids[group] = tf.tidy(() => fitGrids(ahead(from, count), settings));
      }
    },
    visit: (value, column) => {
      const grid = grids[groupIndex[order[column]]];
      const code = codesOf(value, grid, limit);
      return { kept: valuesOf(code, grid), bytes: [code] };
    },
    finish: ({ weight }) => {
      if (fitsGroups) {
        scales.set(takeRows(grids.map(({ scale }) => scale)));
        zeros.set(takeRows(grids.map(({ zero }) => zero)));
      }
      // A backend may take the least floats for 0.
      weight.set(dequantize(quantized));
    },
  };
}

/** A layer's grids, by group. */
function gridsOnBackend({ scales, zeros, groups }: QuantizedLayer): Grids[] {
  return tf.tidy(() => {
    const [scale, zero] = [scales, zeros].map((values) =>
      tf.split<tf.Tensor2D>(tf.transpose(tf.tensor2d(values, [values.length / groups, groups])), groups),
    );
    return scale.map((_, group) => ({ scale: scale[group], zero: zero[group] }));
  });
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
function fitGroups(block: Block, layer: Layer, settings: Settings, into: QuantizedLayer): void {
  const groups = groupsFrom(block.start, block.end, layer, settings);
  const width = Math.max(block.end - block.start, ...groups.map(({ from, count }) => from + count));
  const values = block.columns(block.start + width);
  for (const group of groups) fitGroup(values, { width, ...group }, settings, into);
}

/** The groups of visited columns that start in `start .. end - 1`; each starts `from` columns after `start`. */
function groupsFrom(start: number, end: number, { columns }: Layer, { groupSize }: Settings) {
  const first = Math.ceil(start / groupSize);
  const after = Math.ceil(Math.min(end, columns) / groupSize);
  return Array.from({ length: Math.max(0, after - first) }, (_, i) => {
    const group = first + i;
    const at = group * groupSize;
    return { group, from: at - start, count: Math.min(groupSize, columns - at) };
  });
}
