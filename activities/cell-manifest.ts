import { z } from "zod";
import { type CheckpointKind, type Manifest, peekManifest } from "../storage/checkpoints.js";
import type { ObjectStore } from "../storage/store.js";
import { TouchstoneError } from "../study/errors.js";
import { cellName } from "../study/names.js";
import type { StudyPlan } from "../study/plan.js";
import type { CellCoordinates } from "../study/results.js";
import { type CellStep, calibrationStep, computedSteps } from "./cell-steps.js";
import type { CalibrationFacts } from "./sample-source.js";

/** A step as it was computed once. */
export interface RecordedStep {
  /** In words: `block 3`, `evaluation piqa`. */
  place: string;
  kind: CheckpointKind;
  key: string;
  /** What determined it. */
  derivation: unknown;
  /** Digests of what it gave; undefined where its manifest was altered in the store. */
  objects?: Manifest["objects"];
  facts?: unknown;
}

/**
 * Everything that a cell was computed from and by: the specification with its inputs pinned by digests, numerics, backend and
 * threads (`plan`); and the digests of what each step gave.
 */
export interface CellManifest {
  format: 1;
  study: string;
  /** MODEL/METHOD/SOURCE-nN-setK */
  name: string;
  cell: CellCoordinates;
  plan: StudyPlan;
  steps: readonly RecordedStep[];
}

/** As far as a program must know it before it computes with it: its digests guard the rest. */
const fileSchema = z.looseObject({
  format: z.literal(1),
  study: z.string(),
  name: z.string(),
  cell: z.looseObject({ model: z.string() }),
  plan: z.looseObject({ spec: z.looseObject({}), environment: z.looseObject({}), models: z.looseObject({}) }),
  steps: z.array(z.looseObject({ place: z.string(), kind: z.string(), key: z.string() })).nonempty(),
});

/**
 * A cell's manifest, made of those of its steps; with those that are gone left out, and with the calibration set's alone where that was
 * altered. The store is looked at and not changed.
 * @throws TouchstoneError CheckpointCorrupt where the calibration set's manifest is gone: nothing after it can be found
 */
export async function readCellManifest(
  store: Pick<ObjectStore, "read">,
  plan: StudyPlan,
  cell: CellCoordinates,
): Promise<CellManifest> {
  const manifest = { format: 1 as const, study: plan.spec.name, name: cellName(cell), cell, plan };
  const first = calibrationStep(plan, cell);
  const set = first === undefined ? undefined : await recorded(store, first);
  if (first !== undefined && set === undefined) {
    throw new TouchstoneError("CheckpointCorrupt", {
      what: `The manifest of the ${first.place} is gone from the store`,
      where: `cell ${plan.spec.name}/${cellName(cell)}`,
      todo: "Start the study again: what is missing is computed anew.",
    });
  }
  if (set !== undefined && set.objects === undefined) return { ...manifest, steps: [set] };
  const digest = set === undefined ? null : (set.facts as CalibrationFacts).digest;
  const others = await Promise.all(computedSteps(plan, cell, digest).map((step) => recorded(store, step)));
  return { ...manifest, steps: [set, ...others].filter((step) => step !== undefined) };
}

/** Whether the cell's result is recorded, as far as that can be told: what comes of an altered set can't be found. */
export function isDone({ steps }: CellManifest): boolean {
  return steps.some(({ kind, objects }) => kind === "cell" || (kind === "calibration" && objects === undefined));
}

/** A manifest from a file. @throws TouchstoneError InvalidData */
export function parseCellManifest(bytes: Uint8Array, where: string): CellManifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // What is no JSON isn't of the schema either.
  }
  const parsed = fileSchema.safeParse(json);
  if (parsed.success) return parsed.data as unknown as CellManifest;
  const [issue] = parsed.error.issues;
  throw new TouchstoneError("InvalidData", {
    what: `This is not the manifest of a cell: ${issue.path.join(".") || "the file"}: ${issue.message}`,
    where,
    todo: "Give the evidence/manifest.json that `touchstone publish` wrote, a key of the store, or a cell's name.",
  });
}

async function recorded(
  store: Pick<ObjectStore, "read">,
  { place, kind, key, derivation }: CellStep,
): Promise<RecordedStep | undefined> {
  const manifest = await peekManifest(store, kind, key);
  if (manifest === undefined) return undefined;
  const known = manifest === "altered" ? {} : { objects: manifest.objects, facts: manifest.facts };
  return { place, kind, key, derivation, ...known };
}
