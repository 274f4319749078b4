import { type FileHandle, mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { homePath } from "./home.js";
import { systemError } from "./system-error.js";

/** Values on the local disk that nobody needs when this process has ended. */
export interface Scratch {
  /** @throws TouchstoneError DiskFull */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Fills `bytes` with what was written there. */
  read(offset: number, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * A file in `scratch/` of the home that has lost its name once it is open: the system frees its space when this process ends,
 * however it ends. What an earlier one left before it came so far is removed.
 * @throws TouchstoneError DiskFull, InvalidData where the folder can't be written
 */
export async function openScratch(): Promise<Scratch> {
  const file = await guarded(openUnnamed());
  return {
    write: async (offset, bytes) => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await guarded(file.write(bytes, done, bytes.length - done, offset + done));
        done += bytesWritten;
      }
    },
    read: async (offset, bytes) => {
      for (let done = 0; done < bytes.length; ) {
        const { bytesRead } = await guarded(file.read(bytes, done, bytes.length - done, offset + done));
        if (bytesRead === 0) throw new RangeError("the scratch file ends before what is read");
        done += bytesRead;
      }
    },
    close: () => file.close(),
  };
}

async function openUnnamed(): Promise<FileHandle> {
  const folder = homePath("scratch");
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
  const path = join(folder, `${process.pid}-${Date.now()}-${count++}`);
  const file = await open(path, "wx+");
  await rm(path, { force: true });
  return file;
}

let count = 0;

async function guarded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw systemError(error) ?? error;
  }
}
