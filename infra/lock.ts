import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { homePath } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { isAlive, ownIdentity, type ProcessIdentity } from "./process-identity.js";

/**
 * Runs `work` while no other process of this home does so under the same name; a lock whose holder has died is taken over.
 * @throws TouchstoneError ServiceUnavailable when another process still holds it after `waitSeconds`.
 */
export async function withLock<T>(name: string, work: () => Promise<T>, waitSeconds = 900): Promise<T> {
  const path = homePath("run", `${name}.lock`);
  await mkdir(homePath("run"), { recursive: true });
  const deadline = performance.now() + waitSeconds * 1000;
  while (!(await take(path))) {
    if (performance.now() > deadline) throw stillHeld(name, path);
    if (!(await removeStale(path))) await sleep(200);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

/** A link appears with its content, or not at all: nobody reads a lock half written. */
async function take(path: string): Promise<boolean> {
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, JSON.stringify(ownIdentity()));
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(mine, { force: true });
  }
}

/** Moves the lock aside before it is removed: of two processes that see it stale only one succeeds in that. */
async function removeStale(path: string): Promise<boolean> {
  const held = await readFile(path, "utf8").catch(() => undefined);
  if (held === undefined) return true;
  const holder = parseHolder(held);
  if (holder !== undefined && isAlive(holder)) return false;
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  const moved = await readFile(aside, "utf8").catch(() => undefined);
  // Between reading and moving, another process may have replaced it by a lock of its own: give that back.
  if (moved !== undefined && moved !== held) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

/** Undefined when it is damaged, as after a full disk: then nobody holds it. */
function parseHolder(text: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function stillHeld(name: string, path: string): TouchstoneError {
  return new TouchstoneError("ServiceUnavailable", {
    what: `Another process has been busy with the same thing (${name}) for too long`,
    where: path,
    todo: "Wait for it, or end it and run this again.",
  });
}
