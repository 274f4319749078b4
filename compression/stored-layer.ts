import { type ArrowTable, type Column, decodeArrow, encodeArrow } from "../storage/arrow.js";
import { TouchstoneError } from "../study/errors.js";
import { type MethodSettings, methodSettingsSchema } from "../study/methods.js";
import type { Unseen } from "../study/results.js";
import { type Pattern, parsePattern } from "./mask.js";
import type { CompressedLayer, QuantizedLayer } from "./method.js";
import { codeColumns, codeMetadata, readCodes } from "./stored-codes.js";
import { bitmapColumns, patternColumns, readBitmap, readPattern, storedPattern } from "./stored-mask.js";

export interface StoredLayerDescription {
  name: string;
  rows: number;
  columns: number;
  settings: MethodSettings;
  /** tr((W-Q) H (W-Q)^T), where the method has H. */
  error: number | null;
  /** Digests of what it was made from, where they are known; `calibration` where the method looks at the set. */
  inputs?: { model?: string; calibration?: string };
}

/** A layer as it was stored. */
export interface StoredLayer extends StoredLayerDescription {
  compressed: CompressedLayer;
}

/**
 * An Arrow file, one row an output channel. Quantized: codes with their grids and outliers (`codeColumns`); pruned n:m: the kept
 * values with their positions in the runs; pruned otherwise: a bitmap of what is kept and the kept values.
 * Lossless: `decodeLayer` gives `weight` bit for bit.
 */
export function encodeLayer(layer: CompressedLayer, description: StoredLayerDescription): Uint8Array {
  const { name, columns, settings, error, inputs = {} } = description;
  const { data, metadata } = encodeWeights(layer, description);
  return encodeArrow("compressed-layer", data, {
    layer: name,
    columns: String(columns),
    settings: JSON.stringify(settings),
    error: String(error),
    damping: String(layer.damping ?? null),
    ...(layer.unseen === undefined ? {} : { unseen: layer.unseen }),
    ...(inputs.model === undefined ? {} : { modelDigest: inputs.model }),
    ...(inputs.calibration === undefined ? {} : { calibrationDigest: inputs.calibration }),
    ...metadata,
  });
}

/** The weights that a stored layer stands for, row-major [rows * columns]. @throws TouchstoneError InvalidData */
export function decodeLayer(bytes: Uint8Array, where: string): Float32Array {
  return decodeWeights(decodeArrow(bytes, where), where).weight;
}

/** A stored layer with all that it says. @throws TouchstoneError InvalidData */
export function readStoredLayer(bytes: Uint8Array, where: string): StoredLayer {
  const table = decodeArrow(bytes, where);
  const text = (key: string) => table.metadata.get(key);
  const figure = (key: string) => ((text(key) ?? "null") === "null" ? null : Number(text(key)));
  const settings = methodSettingsSchema.safeParse(table.json("settings"));
  if (!settings.success) throw unreadable("its settings are none of a method", where);
  const damping = figure("damping");
  const unseen = text("unseen") as Unseen | undefined;
  return {
    name: text("layer") ?? "",
    rows: table.rows,
    columns: Number(text("columns")),
    settings: settings.data,
    error: figure("error"),
    inputs: { model: text("modelDigest"), calibration: text("calibrationDigest") },
    compressed: {
      ...decodeWeights(table, where),
      ...(damping === null ? {} : { damping }),
      ...(unseen === undefined ? {} : { unseen }),
    },
  };
}

/** Bits of a stored layer: of its columns and a scattered group index, without the file's own framing. */
export function storedBits(bytes: Uint8Array, where: string): number {
  const table = decodeArrow(bytes, where);
  const column = (name: string) => table.numbers(name).byteLength + (table.isRagged(name) ? 4 * (table.rows + 1) : 0);
  const total = table.names.reduce((sum, name) => sum + column(name), 0);
  return 8 * (total + (table.metadata.get("groupIndex") ?? "").length);
}

/** Weights that are exactly zero. */
export function zeroWeights(weight: Float32Array): number {
  let zeros = 0;
  for (let i = 0; i < weight.length; i++) if (weight[i] === 0) zeros++;
  return zeros;
}

type StoredWeights = Pick<CompressedLayer, "weight" | "quantized" | "mask">;

interface Encoded {
  data: Record<string, Column>;
  metadata: Record<string, string>;
}

function encodeWeights(
  { weight, quantized, mask }: CompressedLayer,
  { rows, columns, settings }: StoredLayerDescription,
): Encoded {
  if (quantized !== undefined) {
    const data = codeColumns(quantized, weight, rows, columns);
    return { data, metadata: { encoding: encodingOf(quantized), ...codeMetadata(quantized) } };
  }
  if (mask === undefined) {
    return { data: { weight: { kind: "lists", size: columns, values: weight } }, metadata: { encoding: "dense" } };
  }
  const pattern = patternOf(settings);
  return pattern !== undefined && storedPattern(mask, columns, parsePattern(pattern))
    ? {
        data: patternColumns(weight, mask, rows, columns, parsePattern(pattern)),
        metadata: { encoding: "n:m", pattern },
      }
    : { data: bitmapColumns(weight, mask, rows, columns), metadata: { encoding: "mask" } };
}

/** Two-level grids and sparse outliers are no part of what readers of `codes` expect. */
function encodingOf({ statistics, outliers }: QuantizedLayer): string {
  return statistics === undefined && outliers === undefined ? "codes" : "two-level codes";
}

function decodeWeights(table: ArrowTable, where: string): StoredWeights {
  try {
    return weightsIn(table, where);
  } catch (cause) {
    if (cause instanceof TouchstoneError) throw cause;
    throw unreadable("its columns don't fit what it says of them", where, cause);
  }
}

function weightsIn(table: ArrowTable, where: string): StoredWeights {
  const columns = Number(table.metadata.get("columns"));
  const encoding = table.metadata.get("encoding");
  switch (encoding) {
    case "codes":
    case "two-level codes":
      return readCodes(table, columns);
    case "n:m":
      return readPattern(table, columns, storedPatternOf(table));
    case "mask":
      return readBitmap(table, columns);
    case "dense":
      return { weight: table.numbers("weight") as Float32Array };
    default:
      throw unreadable(`its encoding is ${encoding}`, where);
  }
}

function storedPatternOf({ metadata }: ArrowTable): Pattern {
  return parsePattern(metadata.get("pattern") ?? "");
}

function patternOf(settings: MethodSettings): string | undefined {
  return "pattern" in settings ? settings.pattern : undefined;
}

function unreadable(reason: string, where: string, cause?: unknown): TouchstoneError {
  const what = `This is no compressed layer that this version reads: ${reason}`;
  return new TouchstoneError("InvalidData", { what, where, todo: "Compress the model again." }, { cause });
}
