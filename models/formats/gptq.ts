import { TouchstoneError } from "../../study/errors.js";
import { type GridLinear, type LinearFormat, type LinearShape, modulePrefix } from "./grid-linear.js";
import { packedWords, packWords, transposed, unpackWords } from "./packing.js";

/** `gptq` (v1) stores zero points less one, `gptq_v2` as they are. */
export type GptqVersion = "gptq" | "gptq_v2";

/** What readers unpack; 5, 6 and 7 bits are known to few of them. */
const BITS: readonly number[] = [2, 3, 4, 8];
/** Both sides of a linear are whole words of 3-bit codes too. */
const MULTIPLE = 32;

export interface GptqSettings {
  bits: number;
  /** -1: whole rows. */
  groupSize: number;
  symmetric: boolean;
  /** Groups are runs of inputs in the order of their activations. */
  actOrder: boolean;
  /** Facts for readers that ask how it was made; their names are those of GPTQModel. */
  meta: Readonly<Record<string, unknown>>;
}

/** The checkpoint layout of AutoGPTQ and GPTQModel: transposed words, float16 scales. */
export function gptqFormat(settings: GptqSettings, version: GptqVersion): LinearFormat {
  const { bits, groupSize } = settings;
  return {
    config: gptqConfig(settings, version),
    layout: (weight, shape) => {
      checkShape(weight, shape, settings);
      const { rows, columns } = shape;
      const prefix = modulePrefix(weight);
      const groups = groupSize === -1 ? 1 : columns / groupSize;
      return [
        { name: `${prefix}qweight`, dtype: "I32", shape: [packedWords(columns, bits), rows] },
        { name: `${prefix}qzeros`, dtype: "I32", shape: [groups, packedWords(rows, bits)] },
        { name: `${prefix}scales`, dtype: "F16", shape: [groups, rows] },
        { name: `${prefix}g_idx`, dtype: "I32", shape: [columns] },
      ];
    },
    encode: (weight, { codes, scales, zeros, groupIndex, groups }, { rows, columns }) => {
      const prefix = modulePrefix(weight);
      const words = packWords(codes, rows, columns, bits);
      const stored = storedZeros(transposed(zeros, rows, groups), version, weight);
      return new Map<string, Int32Array | Float32Array>([
        [`${prefix}qweight`, transposed(words, rows, packedWords(columns, bits))],
        [`${prefix}qzeros`, packWords(stored, groups, rows, bits)],
        [`${prefix}scales`, transposed(scales, rows, groups)],
        [`${prefix}g_idx`, groupIndex],
      ]);
    },
  };
}

/** The tensors of one linear as they are stored, in a file or in memory. */
export interface GptqTensors {
  /** [columns * bits / 32, rows] */
  qweight: Int32Array;
  /** [groups, rows * bits / 32] */
  qzeros: Int32Array;
  /** [groups, rows] */
  scales: Float32Array;
  /** [columns] */
  groupIndex: Int32Array;
}

/**
 * The inverse of `encode`.
 * @throws TouchstoneError InvalidModel where the stored zero points are those of the other version, as some writers label them
 */
export function decodeGptq(
  { qweight, qzeros, scales, groupIndex }: GptqTensors,
  { rows, columns }: LinearShape,
  { bits, symmetric, version }: { bits: number; symmetric: boolean; version: GptqVersion },
  where: string,
): GridLinear {
  const groups = scales.length / rows;
  const words = transposed(qweight, packedWords(columns, bits), rows);
  const stored = unpackWords(qzeros, groups, rows, bits);
  checkVersion(stored, bits, symmetric, version, where);
  const zeros = Float32Array.from(stored, (zero) => zero + storedLess(version));
  return {
    bits,
    codes: unpackWords(words, rows, columns, bits),
    scales: transposed(scales, groups, rows),
    zeros: transposed(zeros, groups, rows),
    groupIndex,
    groups,
  };
}

function gptqConfig({ bits, groupSize, symmetric, actOrder, meta }: GptqSettings, version: GptqVersion) {
  return {
    bits,
    group_size: groupSize,
    desc_act: actOrder,
    sym: symmetric,
    lm_head: false,
    quant_method: "gptq",
    method: "gptq",
    checkpoint_format: version,
    format: version,
    pack_dtype: "int32",
    dynamic: {},
    meta,
  };
}

function checkShape(weight: string, { rows, columns }: LinearShape, { bits, groupSize }: GptqSettings): void {
  const refuse = (what: string, todo: string) => {
    throw new TouchstoneError("InvalidSettings", { what, where: weight, todo });
  };
  if (!BITS.includes(bits)) {
    refuse(
      `GPTQ checkpoints hold codes of ${BITS.join(", ")} bits, not of ${bits}`,
      "Export compressed-tensors, or dense weights.",
    );
  }
  if (rows % MULTIPLE !== 0 || columns % MULTIPLE !== 0) {
    refuse(
      `GPTQ checkpoints need both sides of a linear in multiples of ${MULTIPLE}, but it is ${rows} x ${columns}`,
      "Export compressed-tensors, or dense weights.",
    );
  }
  if (groupSize !== -1 && columns % groupSize !== 0) {
    refuse(
      `GPTQ checkpoints need whole groups, but ${columns} inputs aren't a multiple of ${groupSize}`,
      "Export dense weights, or compress with a group size that divides them.",
    );
  }
}

function storedLess(version: GptqVersion): number {
  return version === "gptq" ? 1 : 0;
}

/** A zero point of 0 less one would borrow from the codes beside it. */
function storedZeros(zeros: Float32Array, version: GptqVersion, weight: string): Uint8Array {
  const less = storedLess(version);
  if (less === 0 || zeros.every((zero) => zero >= less)) return Uint8Array.from(zeros, (zero) => zero - less);
  throw new TouchstoneError("InvalidSettings", {
    what: "A zero point is 0, which checkpoint format gptq (v1) can't hold",
    where: weight,
    todo: "Export with --checkpoint-format gptq_v2.",
  });
}

/** Zero points of symmetric grids are known, so a wrong label shows; of others only where it would make one too large. */
function checkVersion(stored: Uint8Array, bits: number, symmetric: boolean, version: GptqVersion, where: string): void {
  const less = storedLess(version);
  const middle = 2 ** (bits - 1);
  const isOther = symmetric
    ? stored.length > 0 && stored.every((zero) => zero === middle - (1 - less))
    : less === 1 && stored.includes(2 ** bits - 1);
  if (!isOther) return;
  const other: GptqVersion = version === "gptq" ? "gptq_v2" : "gptq";
  throw new TouchstoneError("InvalidModel", {
    what: `The zero points don't fit checkpoint_format ${version}: they are those of ${other}, or corrupt`,
    where,
    todo: `Fetch the model again, or correct checkpoint_format in its config.json to ${other}.`,
  });
}
