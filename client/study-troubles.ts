import { type CellRecord, readRecord, recordedCells } from "../activities/cell-records.js";
import { type ObjectStore, openStore } from "../storage/store.js";
import type { StudySpec } from "../study/spec.js";
import { useStore } from "./services.js";

/** Cells that are not done and will not be, by name, with what is said of them. */
export interface Troubles {
  failed: ({ cell: string } & CellRecord<"failures">)[];
  skipped: ({ cell: string } & CellRecord<"skipped">)[];
}

const SHOWN = 20;

/** From the study's store, the first of each kind. @throws TouchstoneError ServiceUnavailable, StorageUnavailable, StorageDenied */
export async function findTroubles({ name, checkpoints }: StudySpec): Promise<Troubles> {
  const store = openStore(await useStore(checkpoints));
  const skipped = await recordedCells(store, "skipped", name);
  const failed = (await recordedCells(store, "failures", name)).filter((cell) => !skipped.includes(cell));
  return { failed: await read(store, "failures", name, failed), skipped: await read(store, "skipped", name, skipped) };
}

async function read<Kind extends "failures" | "skipped">(
  store: ObjectStore,
  kind: Kind,
  study: string,
  cells: readonly string[],
): Promise<({ cell: string } & CellRecord<Kind>)[]> {
  const found = cells.slice(0, SHOWN).map(async (cell) => {
    const record = await readRecord(store, kind, study, cell);
    return record === undefined ? [] : [{ cell, ...record }];
  });
  return (await Promise.all(found)).flat();
}
