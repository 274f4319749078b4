import type { TensorLayout, WritableData } from "../safetensors-write.js";

export interface LinearShape {
  /** Output channels. */
  rows: number;
  /** Inputs. */
  columns: number;
}

/** A linear whose weights are codes on a grid a row and group: scale * (code - zero), in float32. */
export interface GridLinear {
  bits: number;
  /** [rows * columns] */
  codes: Uint8Array;
  /** [rows * groups] */
  scales: Float32Array;
  /** [rows * groups] */
  zeros: Float32Array;
  /** Group of each input, [columns] */
  groupIndex: Int32Array;
  groups: number;
}

/** How a checkpoint holds linears on integer grids. */
export interface LinearFormat {
  /** `quantization_config` of `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /**
   * The tensors that hold one linear. @param weight its checkpoint name, ending in `.weight`
   * @throws TouchstoneError InvalidSettings where the format has no room for such a shape
   */
  layout(weight: string, shape: LinearShape): TensorLayout[];
  /** Their values. @throws TouchstoneError InvalidSettings where the format can't hold them */
  encode(weight: string, linear: GridLinear, shape: LinearShape): ReadonlyMap<string, WritableData>;
}

/** The weights, row-major [rows * columns]. */
export function gridValues({ codes, scales, zeros, groupIndex, groups }: GridLinear): Float32Array {
  const columns = groupIndex.length;
  const weight = new Float32Array(codes.length);
  for (let i = 0, row = 0; i < codes.length; row++) {
    for (let column = 0; column < columns; column++, i++) {
      const group = row * groups + groupIndex[column];
      weight[i] = scales[group] * Math.fround(codes[i] - zeros[group]);
    }
  }
  return weight;
}

/** The group of each of `columns` inputs in runs of `size`, the last one perhaps shorter. */
export function contiguousGroups(columns: number, size: number): Int32Array {
  return Int32Array.from({ length: columns }, (_, column) => Math.floor(column / size));
}

/** The size of groups that are runs of inputs; undefined where they are scattered. */
export function contiguousSize(groupIndex: Int32Array): number | undefined {
  const second = groupIndex.indexOf(1);
  const size = second === -1 ? groupIndex.length : second;
  return groupIndex.every((group, column) => group === Math.floor(column / size)) ? size : undefined;
}

/** `a.b.weight` -> `a.b.` */
export function modulePrefix(weight: string): string {
  return weight.slice(0, -"weight".length);
}
