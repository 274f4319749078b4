import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Client } from "@temporalio/client";
import { connectTemporal } from "../../client/temporal-client.js";
import { Touchstone } from "../../client/touchstone.js";
import { bundleWorkflows } from "../../infra/bundle-workflows.js";
import { writeJson } from "../../infra/json-file.js";
import { down, serviceEnvironment, status, up } from "../../infra/services.js";
import { checkoutFolder, homePath } from "../../storage/home.js";
import { setUp, skip } from "./set-up.js";
import { writeSmallModel } from "./small-study.js";

// Real services and workers in a home and on ports of their own, with the programs, the model and the texts of the set-up.

/** What tests of a file work with; filled before the first of them. */
export interface System {
  touchstone: Touchstone;
  temporal: Client;
  /** The small model's folder. */
  model: string;
  /** For files of the test's own. */
  folder: string;
}

export interface SystemOptions {
  /** Why no test of the file runs, and nothing need be started: other than that of the set-up. */
  skipped?: string;
  /** Start a worker too. */
  worker?: boolean;
  /** Of the Temporal server. */
  dynamicConfig?: Readonly<Record<string, number>>;
  /** What the file's tests need besides. */
  prepare?: () => Promise<unknown>;
  /** Until all is there. */
  minutes?: number;
}

/** Starts services and a worker before the tests of a file, and ends everything after them. */
export function useSystem({
  skipped = skip,
  worker = true,
  dynamicConfig,
  prepare,
  minutes = 5,
}: SystemOptions = {}): System {
  const home = mkdtempSync(join(tmpdir(), "touchstone-system-"));
  const system = { folder: home, model: join(home, "small-model") } as System;
  process.env.TOUCHSTONE_HOME = home;
  forgetServices();
  process.once("exit", killWorkers);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

  before(
    async () => {
      if (skipped !== undefined) return;
      await bundleWorkflows();
      symlinkSync(setUp.programs, join(home, "bin"));
      await choosePorts();
      await writeSmallModel(setUp.model, system.model);
      await up({ dynamicConfig });
      Object.assign(process.env, await serviceEnvironment());
      system.touchstone = await Touchstone.connect();
      system.temporal = await connectTemporal();
      if (worker) await startWorker();
      await prepare?.();
    },
    { timeout: minutes * 60_000 },
  );
  after(
    async () => {
      await system.touchstone?.close();
      await system.temporal?.connection.close();
      killWorkers();
      await down();
      rmSync(home, { recursive: true, force: true });
    },
    { timeout: 120_000 },
  );
  return system;
}

/** A worker as `touchstone worker` starts it; its compute processes are groups of their own. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly log: string;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;

  constructor(child: ChildProcess, log: string) {
    this.#child = child;
    this.log = log;
    this.ended = once(child, "exit").then(([code, signal]) => code ?? signal);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ids of its compute processes. */
  computeProcesses(): Promise<number[]> {
    return computeProcesses([this]);
  }
}

const workers: WorkerProcess[] = [];

/** Ids of the compute processes of these workers; unless told, of all. */
export async function computeProcesses(of: readonly WorkerProcess[] = workers): Promise<number[]> {
  const parents = new Set(of.map(({ pid }) => pid));
  const lines = await processTable("pid=,ppid=,args=");
  return lines
    .filter(([, parent, ...args]) => parents.has(Number(parent)) && args.join(" ").includes("compute-process"))
    .map(([pid]) => Number(pid));
}

/**
 * @param environment variables in place of the services'
 * @param program in place of that which `touchstone worker` starts
 */
export async function startWorker(
  options: readonly string[] = [],
  environment: Record<string, string> = {},
  program = join(checkoutFolder, "dist", "workers", "main.js"),
): Promise<WorkerProcess> {
  mkdirSync(homePath("logs"), { recursive: true });
  const log = homePath("logs", `test-worker-${workers.length}.log`);
  const file = openSync(log, "a");
  const child = spawn(process.execPath, [program, "--slots", "1", ...options], {
    env: { ...process.env, ...(await serviceEnvironment()), ...environment },
    detached: true,
    stdio: ["ignore", file, file],
  });
  await once(child, "spawn");
  const worker = new WorkerProcess(child, log);
  workers.push(worker);
  return worker;
}

/** The one started last. */
export function currentWorker(): WorkerProcess {
  const worker = workers.at(-1);
  if (worker === undefined) throw new Error("no worker was started");
  return worker;
}

/** Ends the present workers at once, as a power failure would, and starts one that knows nothing yet. */
export async function freshWorker(): Promise<WorkerProcess> {
  killWorkers();
  await Promise.all(workers.map(({ ended }) => ended));
  return startWorker();
}

/** Process id of a service that `up` has started. */
export async function servicePid(name: "temporal" | "store"): Promise<number> {
  const pid = (await status()).find((service) => service.name === name)?.pid;
  if (pid === undefined) throw new Error(`${name} is not running`);
  return pid;
}

/** Standard output of a program that must succeed, within two minutes unless told. */
export async function output(program: string, args: readonly string[], seconds = 120): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: seconds * 1000, maxBuffer: 2 ** 26 });
  return stdout;
}

/** What `touchstone ... --json` prints. */
export async function touchstoneJson(args: readonly string[], seconds?: number): Promise<unknown> {
  const cli = join(checkoutFolder, "dist", "client", "cli.js");
  return JSON.parse(await output(process.execPath, [cli, ...args, "--json"], seconds));
}

/** To processes that may have ended by themselves in the meantime. */
export function signalProcesses(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Fields of every process, as `ps` gives them. */
export async function processTable(fields: string): Promise<string[][]> {
  return (await output("ps", ["-A", "-o", fields]))
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
}

/** Polls until it holds; fails naming what has not come true. */
export async function until(what: string, seconds: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${seconds} seconds: ${what}`);
    await sleep(50);
  }
}

/** Workers end without leave; their compute processes see that and end too. */
function killWorkers(): void {
  for (const worker of workers) worker.kill("SIGKILL");
}

/** Services that are configured on this machine are none of these tests' business. */
function forgetServices(): void {
  for (const name of Object.keys(process.env))
    if (/^(AWS|S3|TEMPORAL|TOUCHSTONE_BUCKET)/.test(name) && name !== "AWS_CA_BUNDLE") delete process.env[name];
  process.env.TEMPORAL_CONFIG_FILE = "/nonexistent.toml";
}

/** Away from those of a home in use and of the file that is tested beside; where they are taken, the next free ones. */
async function choosePorts(): Promise<void> {
  const first = 20_000 + 16 * (process.pid % 380);
  await writeJson(homePath("services.json"), {
    temporal: { grpc: first, ui: first + 1, metrics: first + 2 },
    seaweedfs: Object.fromEntries(
      ["s3", "s3Grpc", "master", "masterGrpc", "filer", "filerGrpc", "volume", "volumeGrpc", "admin", "adminGrpc"].map(
        (name, i) => [name, first + 3 + i],
      ),
    ),
  });
}
