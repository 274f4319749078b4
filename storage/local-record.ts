import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** What a small JSON file of this machine holds that can be made again; undefined where it can't be read. */
export async function readLocalRecord<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch {
    return undefined;
  }
}

/** Replaced at once, since others read it meanwhile. What two of them write at one time is that of the last. */
export async function replaceLocalRecord(path: string, value: unknown): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(draft, JSON.stringify(value, null, 1));
  await rename(draft, path);
}
