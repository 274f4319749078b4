import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { homePath } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { lastLines } from "./commands.js";
import { readJson, writeJson } from "./json-file.js";
import { isAlive, processBirth } from "./process-identity.js";
import type { Progress } from "./progress.js";

const recordSchema = z.object({
  name: z.string(),
  pid: z.number(),
  birth: z.string(),
  version: z.string(),
  started: z.string(),
});

/** A background process that this home has started. */
export type ProcessRecord = z.output<typeof recordSchema>;

export interface ProcessOptions {
  env: NodeJS.ProcessEnv;
  /** What the process was started from; kept in its record. */
  version?: string;
}

const LOG_LIMIT = 32 << 20;
const READY_SECONDS = 60;

export function logFile(name: string): string {
  return homePath("logs", `${name}.log`);
}

/** The record of a process that `startProcess` started and that still runs. */
export async function runningProcess(name: string): Promise<ProcessRecord | undefined> {
  const record = await readJson(recordFile(name), recordSchema);
  return record !== undefined && isAlive(record) ? record : undefined;
}

/**
 * Starts a program in the background, with its output in `logs/<name>.log` and its record in `run/<name>.json`;
 * one that runs already stays.
 * @throws TouchstoneError SetupIncomplete when the program can't be started.
 */
export async function startProcess(
  name: string,
  [program, ...args]: readonly [string, ...string[]],
  { env, version = "" }: ProcessOptions,
): Promise<ProcessRecord> {
  const running = await runningProcess(name);
  if (running !== undefined) return running;

  const log = await openLog(name);
  try {
    const child = spawn(program, args, { env, detached: true, stdio: ["ignore", log.fd, log.fd] });
    await once(child, "spawn").catch((cause) => {
      throw new TouchstoneError("SetupIncomplete", { what: `${name} can't be started`, where: program }, { cause });
    });
    child.unref();
    const pid = child.pid ?? 0;
    const record = { name, pid, birth: processBirth(pid) ?? "", version, started: new Date().toISOString() };
    await writeJson(recordFile(name), record);
    return record;
  } finally {
    await log.close();
  }
}

/** Ends a process that `startProcess` started, by force after `graceSeconds`. False when none runs. */
export async function stopProcess(name: string, graceSeconds = 30): Promise<boolean> {
  const record = await runningProcess(name);
  if (record !== undefined) {
    process.kill(record.pid, "SIGTERM");
    if (!(await ended(record, graceSeconds))) {
      // It leads a process group of its own: what it has started goes with it.
      process.kill(-record.pid, "SIGKILL");
      await ended(record, 10);
    }
  }
  await rm(recordFile(name), { force: true });
  return record !== undefined;
}

export interface Service {
  name: string;
  start: () => Promise<ProcessRecord>;
  ready: () => Promise<boolean>;
}

/**
 * Starts a service unless it runs, and waits until it is ready.
 * @throws TouchstoneError ServiceUnavailable with the end of its log when it ends, or isn't ready in time.
 */
export async function ensureService({ name, start, ready }: Service, progress: Progress): Promise<void> {
  const running = await runningProcess(name);
  // One that was just killed may still look alive; then it is started anew.
  if (running !== undefined && (await untilReady(running, ready)) !== "ended") return;
  await progress.step(`starting ${name}`, async () => {
    const state = await untilReady(await start(), ready);
    if (state === "ready") return;
    const log = await readFile(logFile(name), "utf8").catch(() => "");
    throw new TouchstoneError("ServiceUnavailable", {
      what: `${name} ${state === "ended" ? "ended at once" : `isn't ready after ${READY_SECONDS} seconds`}. Its log ends with:\n${lastLines(log, 6)}\n`,
      where: logFile(name),
      todo: "Run `touchstone doctor`.",
    });
  });
}

async function untilReady(record: ProcessRecord, ready: () => Promise<boolean>): Promise<"ready" | "ended" | "late"> {
  const deadline = performance.now() + READY_SECONDS * 1000;
  while (!(await ready())) {
    if (!isAlive(record)) return "ended";
    if (performance.now() > deadline) return "late";
    await sleep(150);
  }
  return "ready";
}

async function ended(record: ProcessRecord, seconds: number): Promise<boolean> {
  const deadline = performance.now() + seconds * 1000;
  while (isAlive(record)) {
    if (performance.now() > deadline) return false;
    await sleep(50);
  }
  return true;
}

async function openLog(name: string) {
  const path = logFile(name);
  await mkdir(homePath("logs"), { recursive: true });
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > LOG_LIMIT) await rename(path, `${path}.1`);
  return open(path, "a", 0o600);
}

function recordFile(name: string): string {
  return homePath("run", `${name}.json`);
}
