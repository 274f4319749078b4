import { TouchstoneError } from "../study/errors.js";
import { type HubDataset, recordFilesOf } from "./dataset.js";
import type { DataFolder } from "./folder.js";
import type { HubFile } from "./listing.js";
import type { Entry } from "./manifest.js";

/** What the caller asks for; all but the data set has a default. */
export interface Wanted {
  /** Files of a source, from the first on; Infinity: all. */
  shards?: number;
  /** Files of a source, from the first on, as long as their bytes together are no more; at least one. */
  bytes?: number;
  /** A commit, branch or tag in place of the folder's, or the registry's. */
  revision?: string;
  /** Another split than the registry's. */
  split?: string;
  /** Replace other files, and another revision's. */
  force?: boolean;
}

/** A source's first files: more of them later only adds to what is there. Anything else is taken whole. */
export function takeShards({ kind, shards }: HubDataset, files: HubFile[], wanted: Wanted): HubFile[] {
  if (kind !== "source") return files;
  const bytes = wanted.bytes ?? Number.POSITIVE_INFINITY;
  const most = wanted.shards ?? (wanted.bytes === undefined ? shards : undefined) ?? files.length;
  let sum = 0;
  return files.slice(0, most).filter(({ size }, i) => {
    sum += size;
    return i === 0 || sum <= bytes;
  });
}

/** @throws TouchstoneError InvalidData where the folder has the data set of another revision */
export function keepRevision(
  { name }: HubDataset,
  before: Entry | undefined,
  revision: string,
  { force }: Wanted,
  folder: DataFolder,
): void {
  if (before === undefined || before.revision === revision || force) return;
  throw new TouchstoneError("InvalidData", {
    what: `The folder has ${name} of revision ${before.revision}, not ${revision}`,
    where: folder.uri(""),
    todo: "Take another folder, leave --revision out to go on with that one, or say --force to replace it.",
  });
}

/** @throws TouchstoneError InvalidData where evaluation would read a task's records from another file than the one at `path` */
export async function requireNoRival(dataset: HubDataset, folder: DataFolder, path: string): Promise<void> {
  if (dataset.kind !== "task") return;
  for (const rival of recordFilesOf(dataset)) {
    if (rival === path || (await folder.size(rival)) === undefined) continue;
    throw new TouchstoneError("InvalidData", {
      what: `The folder has other records of ${dataset.name}, which evaluation might read instead`,
      where: folder.uri(rival),
      todo: "Move them away, or take another folder.",
    });
  }
}
