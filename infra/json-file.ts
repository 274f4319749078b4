import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { z } from "zod";
import { TouchstoneError } from "../study/errors.js";

/**
 * The content of a small JSON file, or undefined when there is none.
 * @throws TouchstoneError SetupIncomplete when it holds something else than it should.
 */
export async function readJson<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S> | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new TouchstoneError(
      "SetupIncomplete",
      { what: "This file is damaged", where: path, todo: "Delete it and run the same command again." },
      { cause },
    );
  }
}

/** Written whole or not at all: readers may look at any moment, and so may a crash. */
export async function writeJson(path: string, value: unknown, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.partial`;
  await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode });
  await rename(temporary, path);
}
