import { TouchstoneError } from "../../study/errors.js";
import type { WeightFolder } from "../weight-folder.js";
import type { StoredTensor, WeightSource } from "../weights.js";
import { decodeCompressedTensors } from "./compressed-tensors.js";
import { decodeGptq } from "./gptq.js";
import { contiguousGroups, type GridLinear, gridValues, type LinearShape } from "./grid-linear.js";
import { packedWords } from "./packing.js";
import type { Quantization } from "./quantization-config.js";

type QuantizationOf<M extends Quantization["method"]> = Extract<Quantization, { method: M }>;

/** Reads the linears of one format. */
interface LinearReader {
  /** What the tensor that holds the codes ends in. */
  readonly codes: string;
  /** Of the other tensors of a linear, those that must be there, and those that may be. */
  readonly others: readonly string[];
  shape(prefix: string): Promise<LinearShape>;
  read(prefix: string, shape: LinearShape): Promise<GridLinear>;
}

/**
 * The weights of a folder whose linears are quantized, under their usual names and as float32.
 * @param biased names inside a block of the weights that have a bias beside them in the architecture
 * @throws TouchstoneError InvalidModel where tensors of a linear are missing or don't fit one another
 */
export async function quantizedSource(
  folder: WeightFolder,
  quantization: Quantization,
  biased: readonly string[],
): Promise<WeightSource> {
  const reader = quantization.method === "gptq" ? gptqReader(folder, quantization) : packedReader(folder, quantization);
  const tensors = new Map<string, StoredTensor>(folder.tensors);
  const linears = new Map<string, { prefix: string; shape: LinearShape }>();
  const dtype = `${quantization.method}, ${quantization.bits} bits`;
  for (const name of folder.tensors.keys()) {
    if (!name.endsWith(`.${reader.codes}`)) continue;
    const prefix = name.slice(0, -reader.codes.length);
    const shape = await reader.shape(prefix);
    linears.set(`${prefix}weight`, { prefix, shape });
    tensors.set(`${prefix}weight`, { shape: [shape.rows, shape.columns], dtype, readable: true });
    for (const part of [reader.codes, ...reader.others]) tensors.delete(`${prefix}${part}`);
  }
  if (linears.size === 0) {
    throw new TouchstoneError("InvalidModel", {
      what: `By its configuration the model is quantized (${quantization.method}), but no tensor is named ${reader.codes}`,
      where: folder.where,
      todo: "Check that the configuration belongs to these weights.",
    });
  }
  return {
    where: folder.where,
    tensors,
    read: async (name) => {
      const linear = linears.get(name);
      if (linear === undefined) return folder.read(name);
      const { prefix, shape } = linear;
      if (!biased.some((weight) => name.endsWith(`.${weight}`))) await checkBias(folder, prefix);
      return { shape: [shape.rows, shape.columns], data: gridValues(await reader.read(prefix, shape)) };
    },
    close: () => folder.close(),
  };
}

function gptqReader(folder: WeightFolder, quantization: QuantizationOf<"gptq">): LinearReader {
  const { bits, groupSize } = quantization;
  const grouped = (columns: number) => (groupSize === -1 ? columns : groupSize);
  return {
    codes: "qweight",
    others: ["qzeros", "scales", "g_idx"],
    shape: async (prefix) => {
      const [words, rows] = shapeOf(folder, `${prefix}qweight`, 2);
      const columns = (words * 32) / bits;
      const groups = Math.ceil(columns / grouped(columns));
      requireShape(folder, `${prefix}qzeros`, [groups, packedWords(rows, bits)]);
      requireShape(folder, `${prefix}scales`, [groups, rows]);
      if (folder.tensors.has(`${prefix}g_idx`)) requireShape(folder, `${prefix}g_idx`, [columns]);
      return { rows, columns };
    },
    read: async (prefix, shape) => {
      const groupIndex = folder.tensors.has(`${prefix}g_idx`)
        ? await readIntegers(folder, `${prefix}g_idx`)
        : contiguousGroups(shape.columns, grouped(shape.columns));
      const scales = (await folder.read(`${prefix}scales`)).data;
      checkIndex(groupIndex, scales.length / shape.rows, `${folder.where}, tensor ${prefix}g_idx`);
      const [qweight, qzeros] = await Promise.all(
        ["qweight", "qzeros"].map((part) => readIntegers(folder, `${prefix}${part}`)),
      );
      const where = `${folder.where}, tensor ${prefix}qzeros`;
      return decodeGptq({ qweight, qzeros, scales, groupIndex }, shape, quantization, where);
    },
  };
}

function packedReader(folder: WeightFolder, quantization: QuantizationOf<"compressed-tensors">): LinearReader {
  const { bits, groupSize, symmetric } = quantization;
  return {
    codes: "weight_packed",
    others: ["weight_scale", "weight_shape", "weight_zero_point", "weight_g_idx"],
    shape: async (prefix) => {
      requireShape(folder, `${prefix}weight_shape`, [2]);
      const { data } = await folder.readTensor(`${prefix}weight_shape`);
      const [rows, columns] = Array.from(data as ArrayLike<number | bigint>, Number);
      const groups = groupSize === -1 ? 1 : Math.ceil(columns / groupSize);
      requireShape(folder, `${prefix}weight_packed`, [rows, packedWords(columns, bits)]);
      requireShape(folder, `${prefix}weight_scale`, [rows, groups]);
      if (!symmetric) requireShape(folder, `${prefix}weight_zero_point`, [packedWords(rows, bits), groups]);
      if (folder.tensors.has(`${prefix}weight_g_idx`)) requireShape(folder, `${prefix}weight_g_idx`, [columns]);
      return { rows, columns };
    },
    read: async (prefix, shape) => {
      const index = `${prefix}weight_g_idx`;
      const groupIndex = folder.tensors.has(index) ? await readIntegers(folder, index) : undefined;
      const { data: scale } = await folder.read(`${prefix}weight_scale`);
      if (groupIndex !== undefined)
        checkIndex(groupIndex, scale.length / shape.rows, `${folder.where}, tensor ${index}`);
      const packed = await readIntegers(folder, `${prefix}weight_packed`);
      const zeroPoint = symmetric ? undefined : await readIntegers(folder, `${prefix}weight_zero_point`);
      return decodeCompressedTensors({ packed, scale, zeroPoint, groupIndex }, shape, quantization);
    },
  };
}

/** Some writers give every linear a bias, also where the architecture has none. */
async function checkBias(folder: WeightFolder, prefix: string): Promise<void> {
  if (!folder.tensors.has(`${prefix}bias`)) return;
  const { data } = await folder.read(`${prefix}bias`);
  if (data.every((value) => value === 0)) return;
  throw new TouchstoneError("UnsupportedArchitecture", {
    what: "The linear has a bias, which the architecture has no place for",
    where: `${folder.where}, tensor ${prefix}bias`,
    todo: "Check that the configuration belongs to these weights.",
  });
}

async function readIntegers(folder: WeightFolder, name: string): Promise<Int32Array> {
  const { data, dtype } = await folder.readTensor(name);
  if (data instanceof Int32Array) return data;
  throw broken(folder, name, `The tensor is stored as ${dtype}, not as I32`);
}

function shapeOf({ tensors, ...folder }: WeightFolder, name: string, axes: number): readonly number[] {
  const { shape } = tensors.get(name)!;
  if (shape.length === axes) return shape;
  throw broken(folder, name, `The tensor has shape [${shape}], not ${axes} axes`);
}

function requireShape(folder: WeightFolder, name: string, wanted: readonly number[]): void {
  const found = folder.tensors.get(name)?.shape;
  if (found === undefined) throw broken(folder, name, "A tensor of a quantized linear is missing");
  if (String(found) === String(wanted)) return;
  throw broken(folder, name, `The tensor has shape [${found}], but by its linear's codes it must have [${wanted}]`);
}

function checkIndex(groupIndex: Int32Array, groups: number, where: string): void {
  if (groupIndex.every((group) => group >= 0 && group < groups)) return;
  throw new TouchstoneError("InvalidModel", {
    what: `The index names groups beyond the ${groups} that there are`,
    where,
    todo: "Fetch the model again.",
  });
}

function broken({ where }: { where: string }, name: string, what: string): TouchstoneError {
  return new TouchstoneError("InvalidModel", {
    what,
    where: `${where}, tensor ${name}`,
    todo: "Check bits and group size in the model's config.json (compressed-tensors before 0.17 packed codes of 3 bits differently), or fetch the model again.",
  });
}
