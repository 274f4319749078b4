import { z } from "zod";
import { type CalibrationSet, sequenceLength, tokensDigest } from "../calibration/set.js";
import { methodSettingsSchema } from "../study/methods.js";
import { sourceSchema } from "../study/source.js";

/** What a compressed model was made of: in the model's folder, for programs. */
export const MADE_OF_FILE = "touchstone.json";
/** The calibration set itself, beside the model. */
export const SET_FILE = "set.arrow";

const calibrationSchema = z.object({
  /** Of the token ids (`tokensDigest`). */
  digest: z.string(),
  sequences: z.int(),
  /** Tokens a sequence. */
  length: z.int(),
  /** Where the set was drawn; null for token ids of unknown origin. */
  drawn: z.object({ source: sourceSchema.omit({ path: true }), seed: z.int(), index: z.int() }).nullable(),
});

export const madeOfSchema = z.object({
  format: z.literal(1),
  /** The dense model. */
  model: z.object({ name: z.string(), digest: z.string() }),
  settings: methodSettingsSchema,
  /** null: the method looks at no data. */
  calibration: calibrationSchema.nullable(),
  /** Of the compressed linears, as stored packed. */
  bitsPerWeight: z.number(),
  sparsity: z.number(),
  /** Name of the cell, where it is one of a study. */
  cell: z.string().optional(),
});

export type CalibrationUsed = z.output<typeof calibrationSchema>;
export type MadeOf = z.output<typeof madeOfSchema>;

/** A set, with where it was drawn if that is known. */
export function describeCalibration(set: CalibrationSet): CalibrationUsed {
  const common = { digest: tokensDigest(set), sequences: set.sequences.length, length: sequenceLength(set) };
  if (set.provenance === null) return { ...common, drawn: null };
  const { source, settings, index } = set.provenance;
  const { path: _, ...description } = source;
  return { ...common, drawn: { source: description, seed: settings.seed, index } };
}

/** The last part of a path or address: where it lies on somebody's machine is no part of what a model is. */
export function modelName(path: string): string {
  return path.replace(/\/+$/, "").split("/").at(-1) ?? path;
}
