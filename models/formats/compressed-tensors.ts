import { TouchstoneError } from "../../study/errors.js";
import {
  contiguousGroups,
  contiguousSize,
  type GridLinear,
  type LinearFormat,
  type LinearShape,
  modulePrefix,
} from "./grid-linear.js";
import { packedWords, packWords, transposed, unpackWords } from "./packing.js";

/** The release whose layout this is: since 0.17 codes of 3, 5, 6 and 7 bits may straddle words. */
const VERSION = "0.20.0";

export interface CompressedTensorsSettings {
  bits: number;
  /** -1: whole rows. */
  groupSize: number;
  symmetric: boolean;
  /** Inputs were visited by their activations; their groups are runs of inputs all the same. */
  actOrder: boolean;
  /** Modules that are not quantized, besides the head. */
  kept: readonly string[];
  /** Of the scales, and of what isn't quantized. */
  dtype: "F32" | "F16" | "BF16";
}

/** compressed-tensors' `pack-quantized` (llm-compressor, vLLM, transformers): GPTQ's arrays, not transposed. */
export function compressedTensorsFormat(settings: CompressedTensorsSettings): LinearFormat {
  const { bits, groupSize, symmetric, dtype } = settings;
  return {
    config: compressedTensorsConfig(settings),
    layout: (weight, shape) => {
      const { rows, columns } = shape;
      checkShape(weight, shape, groupSize);
      const prefix = modulePrefix(weight);
      const groups = groupSize === -1 ? 1 : columns / groupSize;
      return [
        { name: `${prefix}weight_packed`, dtype: "I32", shape: [rows, packedWords(columns, bits)] },
        { name: `${prefix}weight_scale`, dtype, shape: [rows, groups] },
        { name: `${prefix}weight_shape`, dtype: "I64", shape: [2] },
        ...(symmetric
          ? []
          : [{ name: `${prefix}weight_zero_point`, dtype: "I32", shape: [packedWords(rows, bits), groups] } as const]),
      ];
    },
    encode: (weight, { codes, scales, zeros, groupIndex, groups }, { rows, columns }) => {
      checkGroups(weight, groupIndex);
      const prefix = modulePrefix(weight);
      const tensors = new Map<string, Int32Array | Float32Array | BigInt64Array>([
        [`${prefix}weight_packed`, packWords(codes, rows, columns, bits)],
        [`${prefix}weight_scale`, scales],
        [`${prefix}weight_shape`, BigInt64Array.of(BigInt(rows), BigInt(columns))],
      ]);
      if (!symmetric) {
        const stored = Uint8Array.from(transposed(zeros, rows, groups));
        const words = packWords(stored, groups, rows, bits);
        tensors.set(`${prefix}weight_zero_point`, transposed(words, groups, packedWords(rows, bits)));
      }
      return tensors;
    },
  };
}

/** The tensors of one linear as they are stored. */
export interface CompressedTensors {
  /** [rows, words] */
  packed: Int32Array;
  /** [rows, groups] */
  scale: Float32Array;
  /** [words, groups]; symmetric grids have none */
  zeroPoint?: Int32Array;
  /** [columns]; where it is absent groups are runs of inputs */
  groupIndex?: Int32Array;
}

/** The inverse of `encode`. */
export function decodeCompressedTensors(
  { packed, scale, zeroPoint, groupIndex }: CompressedTensors,
  { rows, columns }: LinearShape,
  { bits, groupSize }: { bits: number; groupSize: number },
): GridLinear {
  const groups = scale.length / rows;
  return {
    bits,
    codes: unpackWords(packed, rows, columns, bits),
    scales: scale,
    zeros:
      zeroPoint === undefined
        ? new Float32Array(scale.length).fill(2 ** (bits - 1))
        : Float32Array.from(
            transposed(
              unpackWords(transposed(zeroPoint, packedWords(rows, bits), groups), groups, rows, bits),
              groups,
              rows,
            ),
          ),
    groupIndex: groupIndex ?? contiguousGroups(columns, groupSize === -1 ? columns : groupSize),
    groups,
  };
}

function compressedTensorsConfig({ bits, groupSize, symmetric, actOrder, kept }: CompressedTensorsSettings) {
  const format = "pack-quantized";
  return {
    version: VERSION,
    quant_method: "compressed-tensors",
    format,
    quantization_status: "compressed",
    global_compression_ratio: null,
    ignore: ["lm_head", ...kept],
    kv_cache_scheme: null,
    sparsity_config: {},
    transform_config: {},
    config_groups: {
      group_0: {
        targets: ["Linear"],
        weights: {
          num_bits: bits,
          type: "int",
          symmetric,
          strategy: groupSize === -1 ? "channel" : "group",
          group_size: groupSize === -1 ? null : groupSize,
          dynamic: false,
          actorder: actOrder ? "weight" : null,
          observer: "minmax",
        },
        input_activations: null,
        output_activations: null,
        format,
      },
    },
  };
}

function checkShape(weight: string, { columns }: LinearShape, groupSize: number): void {
  if (groupSize === -1 || columns % groupSize === 0) return;
  throw new TouchstoneError("InvalidSettings", {
    what: `compressed-tensors needs whole groups, but ${columns} inputs aren't a multiple of ${groupSize}`,
    where: weight,
    todo: "Export dense weights, or compress with a group size that divides them.",
  });
}

/** Its readers have dropped the index of groups that activation order scatters. */
function checkGroups(weight: string, groupIndex: Int32Array): void {
  if (contiguousSize(groupIndex) !== undefined) return;
  throw new TouchstoneError("InvalidSettings", {
    what: "compressed-tensors has no place for groups of inputs that aren't neighbours, as actOrder makes them",
    where: weight,
    todo: "Export gptq or dense weights, or compress with staticGroups.",
  });
}
