import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { measure } from "./measure.js";
import type { ObjectStore } from "./store.js";
import { systemError } from "./system-error.js";
import type { StoreTask, ThreadedStore } from "./threaded-store.js";

/**
 * An object store of this process alone, in a local folder, for results that nobody keeps. What is read and isn't there is looked
 * for in `below`.
 * @throws TouchstoneError DiskFull from every method that writes
 */
export function openFolderStore(folder: string, below?: Pick<ObjectStore, "read">): ThreadedStore {
  const path = (key: string) => join(folder, key);
  const write = async (key: string, bytes: Uint8Array, flag: "w" | "wx") => {
    await mkdir(dirname(path(key)), { recursive: true });
    await writeFile(path(key), bytes, { flag });
    measure("touchstone_store_bytes", bytes.length, { direction: "written" });
  };
  const store: ObjectStore = {
    location: { bucket: folder, prefix: "" },
    read: async (key) => {
      const bytes = (await readFile(path(key)).catch(ifMissing)) ?? (await below?.read(key));
      if (bytes !== undefined) measure("touchstone_store_bytes", bytes.length, { direction: "read" });
      return bytes;
    },
    writeNew: (key, bytes) =>
      guarded(async () => {
        try {
          await write(key, bytes, "wx");
          return true;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
          throw error;
        }
      }),
    renew: async (key) => (await readFile(path(key)).catch(ifMissing)) !== undefined,
    replace: (key, bytes) => guarded(() => write(key, bytes, "w")),
    list: async (prefix) => {
      const found = await readdir(folder, { recursive: true, withFileTypes: true });
      const files = found.filter((entry) => entry.isFile());
      const keys = files.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
      return keys.filter((key) => key.startsWith(prefix)).sort();
    },
    move: (from, to) =>
      guarded(async () => {
        await mkdir(dirname(path(to)), { recursive: true });
        await rename(path(from), path(to));
      }),
    remove: async (key) => rm(path(key), { force: true }),
  };
  return {
    ...store,
    run: async <Value>(module: URL, input: unknown) => {
      const { run } = (await import(module.href)) as { run: StoreTask<unknown, Value> };
      return (await run(store, input)).value;
    },
  };
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw systemError(error) ?? error;
  }
}
