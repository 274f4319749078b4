import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isS3 } from "../storage/files.js";
import { TouchstoneError } from "../study/errors.js";
import { CONFIG_FILE } from "./load.js";

/** Where a model folder has its packed layers, one file a linear. */
export const PACKED_FOLDER = "compressed";

/** What may stand in the folder of an earlier model, which is replaced: nothing else is lost by that. */
const MODEL_FILE = /\.(json|safetensors|jinja|model|txt|arrow)$|^README\.md$/;
const PACKED_FILE = /\.arrow$/;

/**
 * Whether a new model folder may take a place: nothing is there, an empty folder, or an earlier model.
 * @param path of the model that is read
 * @throws TouchstoneError InvalidSettings naming what would be lost
 */
export async function checkPlace(path: string, out: string): Promise<void> {
  const unusable = (what: string, todo: string, cause?: unknown) =>
    new TouchstoneError("InvalidSettings", { what, where: out, todo }, { cause });
  if (isS3(out)) throw unusable("Model folders are written to local disks only", "Name a local folder.");
  if (!isS3(path) && resolve(out) === resolve(path)) {
    throw unusable("The new folder would take the place of the model that is read", "Name another folder.");
  }
  const entries = await readdir(out, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return [];
    throw unusable("This is no folder", "Name another one.", cause);
  });
  const isModel = entries.some(({ name }) => name === CONFIG_FILE);
  for (const entry of entries) {
    if (isModel && (await isOfModel(out, entry))) continue;
    throw unusable(
      `The folder has ${entry.name}, and would be replaced by the new model`,
      "Name another folder, or empty this one.",
    );
  }
}

async function isOfModel(folder: string, entry: Dirent): Promise<boolean> {
  if (entry.isFile()) return MODEL_FILE.test(entry.name);
  if (entry.name !== PACKED_FOLDER || !entry.isDirectory()) return false;
  const packed = await readdir(join(folder, entry.name), { withFileTypes: true });
  return packed.every((file) => file.isFile() && PACKED_FILE.test(file.name));
}
