import type { SettingsOf } from "../study/methods.js";
import { codeOf } from "./grid.js";
import { allocateQuantized, contiguousGroups, dequantize, fitContiguousGroups, groupCount } from "./groups.js";
import type { CompressedLayer, Layer, Method } from "./method.js";

type Settings = SettingsOf<"rtn">;

/** Round to nearest: the grid alone, without calibration data. */
export const rtn: Method<Settings> = {
  name: "rtn",
  statistics: "none",
  checkSettings: () => {},
  compress: (layers, _, settings) => layers.map((layer) => round(layer, settings)),
};

function round({ weight, rows, columns }: Layer, settings: Settings): CompressedLayer {
  const { bits, groupSize } = settings;
  const groupIndex = contiguousGroups(columns, groupSize);
  const quantized = allocateQuantized(rows, bits, groupIndex, groupCount(columns, groupSize));
  fitContiguousGroups(weight, columns, groupSize, settings, quantized);
  const { codes, scales, zeros, groups } = quantized;
  const limit = 2 ** bits - 1;
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, i++) {
      const group = row * groups + groupIndex[column];
      codes[i] = codeOf(weight[i], scales[group], zeros[group], limit);
    }
  }
  return { weight: dequantize(quantized), quantized };
}
