import { fileDigest } from "../models/digest.js";
import { TouchstoneError } from "../study/errors.js";
import type { PlannedFile } from "../study/plan.js";

/** @throws TouchstoneError InvalidData when a file isn't what it was when the study was planned */
export async function requireUnchanged({ uri, version }: PlannedFile): Promise<void> {
  if ((await fileDigest(uri)) === version) return;
  throw new TouchstoneError("InvalidData", {
    what: "The file has changed since the study was planned",
    where: uri,
    todo: "Start the study again: it is planned anew with the present file.",
  });
}
