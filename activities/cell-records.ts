import { z } from "zod";
import type { ObjectStore } from "../storage/store.js";
import { cellName } from "../study/names.js";
import type { StudyRef } from "../study/plan.js";
import type { CellCoordinates, FailedCell, SkippedCell } from "../study/results.js";
import type { StepContext } from "./step.js";

/** Why a cell failed, or is skipped: one object a cell below the study's name. */
const kinds = {
  failures: {
    schema: z.object({
      errorType: z.string(),
      message: z.string(),
      at: z.string().nullable().default(null),
      worker: z.string().nullable().default(null),
      log: z.array(z.string()).default([]),
    }),
    altered: {
      errorType: "CheckpointCorrupt",
      message: "The record of why it failed was altered in the store.",
      at: null,
      worker: null,
      log: [],
    },
  },
  skipped: {
    schema: z.object({ reason: z.string() }),
    altered: { reason: "The reason was altered in the store." },
  },
} as const;

export type RecordKind = keyof typeof kinds;
export type CellRecord<Kind extends RecordKind> = z.output<(typeof kinds)[Kind]["schema"]>;

/** Keeps, for the report, why a cell failed. */
export async function recordFailure(
  { study, failure }: { study: StudyRef; failure: FailedCell },
  { state }: StepContext,
): Promise<void> {
  await writeRecord(state.store(study), "failures", study.name, failure);
}

export function writeRecord(
  store: ObjectStore,
  kind: RecordKind,
  study: string,
  cell: FailedCell | SkippedCell,
): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(cell));
  return store.replace(recordKey(kind, study, cellName(cell)), bytes, "application/json");
}

/** undefined where there is none. */
export async function readRecord<Kind extends RecordKind>(
  store: ObjectStore,
  kind: Kind,
  study: string,
  cell: string,
): Promise<CellRecord<Kind> | undefined>;
export async function readRecord(store: ObjectStore, kind: RecordKind, study: string, cell: string): Promise<unknown> {
  const bytes = await store.read(recordKey(kind, study, cell));
  if (bytes === undefined) return undefined;
  const { schema, altered } = kinds[kind];
  try {
    return schema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return altered;
  }
}

export async function removeRecord(
  store: ObjectStore,
  kind: RecordKind,
  study: string,
  cell: CellCoordinates,
): Promise<void> {
  await store.remove(recordKey(kind, study, cellName(cell)));
}

/** Names of the cells that have such a record. @param model of one model's cells only */
export async function recordedCells(
  store: ObjectStore,
  kind: RecordKind,
  study: string,
  model?: string,
): Promise<string[]> {
  const prefix = recordsPrefix(kind, study);
  const keys = await store.list(model === undefined ? prefix : `${prefix}${model}/`);
  return keys.map((key) => key.slice(prefix.length).replace(/\.json$/, ""));
}

function recordKey(kind: RecordKind, study: string, cell: string): string {
  return `${recordsPrefix(kind, study)}${cell}.json`;
}

/** What the keys of such records begin with. */
export function recordsPrefix(kind: RecordKind, study: string): string {
  return `v1/study/${study}/${kind}/`;
}
