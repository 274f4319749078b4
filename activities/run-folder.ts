import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { homePath } from "../storage/home.js";

/** A folder of the home for as long as `use` takes. Those that processes left there which died are removed. */
export async function withRunFolder<T>(name: string, use: (folder: string) => Promise<T>): Promise<T> {
  const all = homePath(name);
  await mkdir(all, { recursive: true });
  for (const old of await readdir(all)) {
    if (!isRunning(Number(/^run-(\d+)-/.exec(old)?.[1]))) await rm(join(all, old), { recursive: true, force: true });
  }
  const folder = await mkdtemp(join(all, `run-${process.pid}-`));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A process id that is used again is taken for running: what it left is removed another time. */
function isRunning(pid: number): boolean {
  if (Number.isNaN(pid)) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
