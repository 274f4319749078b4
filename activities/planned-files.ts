import { fileDigest } from "../models/digest.js";
import { openFile } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import type { PlannedFile } from "../study/plan.js";

/** A file with the digest of its content. */
export async function contentOf(uri: string): Promise<PlannedFile> {
  return { uri, version: await fileDigest(uri) };
}

/** @throws TouchstoneError InvalidData when a file isn't what it was when the study was planned */
export async function requireUnchanged({ uri, version }: PlannedFile): Promise<void> {
  if ((await fileDigest(uri)) !== version) throw changed(uri);
}

/** What tells a source's file from another of the same name. Sources may be large: they aren't read for it. */
export async function sourceVersion(uri: string): Promise<PlannedFile> {
  const file = await openFile(uri);
  await file.close();
  return { uri, version: file.version };
}

/** @throws TouchstoneError InvalidData when one of a source's files isn't what it was when the study was planned */
export async function requireSameSource(files: readonly PlannedFile[]): Promise<void> {
  const present = await Promise.all(files.map(({ uri }) => sourceVersion(uri)));
  const other = present.find(({ version }, i) => version !== files[i].version);
  if (other !== undefined) throw changed(other.uri);
}

function changed(uri: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: "The file has changed since the study was planned",
    where: uri,
    todo: "Start the study again: it is planned anew with the present file.",
  });
}
