import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, symlinkSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "../../client/run-program.js";
import { tryCommand } from "../../infra/commands.js";
import { down, serviceEnvironment, status, up } from "../../infra/services.js";
import { homePath } from "../../storage/home.js";
import { TouchstoneError } from "../../study/errors.js";

/** A worker process of a rehearsal. */
export interface RehearsalWorker {
  pid: number;
  end(): Promise<void>;
}

export interface RehearsalServices {
  /**
   * @param program a worker's entry
   * @param environment variables besides the services'
   */
  startWorker(program: URL, environment?: Readonly<Record<string, string>>): Promise<RehearsalWorker>;
  /** Bytes that the servers, and all workers with their compute processes, have taken at most. */
  peakMemory(): Promise<Record<"temporal" | "store" | "workers", number>>;
}

/**
 * Starts a Temporal server and an object store for `work`, in a home of their own with the programs of the set-up, and ends all
 * afterwards. This process's variables are theirs from then on.
 * @param dynamicConfig of the Temporal server
 */
export async function withRehearsalServices<T>(
  dynamicConfig: Readonly<Record<string, number>>,
  work: (services: RehearsalServices) => Promise<T>,
): Promise<T> {
  const programs = homePath("bin");
  const home = mkdtempSync(join(tmpdir(), "touchstone-rehearsal-"));
  process.env.TOUCHSTONE_HOME = home;
  process.env.TEMPORAL_CONFIG_FILE = join(home, "none.toml");
  for (const name of Object.keys(process.env)) {
    if (/^(TEMPORAL_(ADDRESS|PROFILE|NAMESPACE)|S3_ENDPOINT|TOUCHSTONE_BUCKET|AWS_PROFILE)$/.test(name))
      delete process.env[name];
  }
  symlinkSync(programs, join(home, "bin"));
  const workers: RehearsalWorker[] = [];
  try {
    await up({ dynamicConfig });
    Object.assign(process.env, await serviceEnvironment());
    const working = work({
      startWorker: async (program, environment = {}) => {
        const worker = await startWorker(program, environment, homePath("logs", `worker-${workers.length}.log`));
        workers.push(worker);
        return worker;
      },
      peakMemory: async () => ({
        ...(await serverMemory()),
        workers: sum(await Promise.all(workers.map(({ pid }) => treeMemory(pid)))),
      }),
    });
    return await Promise.race([working, interrupted()]);
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
    await down();
    await rm(home, { recursive: true, force: true });
  }
}

/** A rehearsal's program, and its end: where it was interrupted, what shows or counts cells still waits for the server to come back. */
export async function runRehearsal(work: () => Promise<void>): Promise<never> {
  await runProgram(work);
  process.exit();
}

/** Rejects when this process is told to end: what was started is ended first. */
function interrupted(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => reject(new TouchstoneError("Cancelled", { what: `Ended by ${signal}` })));
  });
}

async function startWorker(
  program: URL,
  environment: Readonly<Record<string, string>>,
  log: string,
): Promise<RehearsalWorker> {
  const file = openSync(log, "a");
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(program)], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", file, file],
  });
  const ended = once(child, "exit");
  await once(child, "spawn");
  return {
    pid: child.pid ?? 0,
    end: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function serverMemory(): Promise<Record<"temporal" | "store", number>> {
  const of = async (name: "temporal" | "store", services: Awaited<ReturnType<typeof status>>) =>
    peak(services.find((service) => service.name === name)?.pid ?? 0);
  const services = await status();
  return { temporal: await of("temporal", services), store: await of("store", services) };
}

/** Of a process and those that it has started. */
async function treeMemory(pid: number): Promise<number> {
  const found = await tryCommand("ps", ["-o", "pid=", "--ppid", String(pid)]);
  const children = (found?.stdout ?? "").split(/\s+/).filter(Boolean).map(Number);
  return sum(await Promise.all([pid, ...children].map(peak)));
}

/** The most that a process has taken so far; 0 where it is gone. */
async function peak(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return 1024 * Number(/^VmHWM:\s*(\d+) kB/m.exec(text)?.[1] ?? 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
