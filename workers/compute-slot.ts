import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RunOptions } from "../activities/delegated.js";
import type { TouchstoneError } from "../study/errors.js";
import type { BackendKind } from "../tensor/backend.js";
import type { Request, Response } from "./protocol.js";
import { recentLines } from "./recent-lines.js";

/** How long a process may take to store what only it has; supervisors give a worker two minutes in all. */
const LEAVE_MS = 20_000;

/**
 * glibc gives large blocks back to the system at once, and every new tensor then pays for fresh pages: kept, elementwise
 * operations take a third of the time.
 */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: String(2 ** 32), MALLOC_TRIM_THRESHOLD_: String(2 ** 34) };

/**
 * Node's options of a process with a TensorFlow of its own: V8 looks less often through the objects that a step makes and drops,
 * arrays of weights among them.
 */
export const COMPUTE_OPTIONS = [...process.execArgv, "--min-semi-space-size=64", "--max-semi-space-size=64"];

/** Variables of a process with a TensorFlow of its own. */
export function computeEnvironment(threads: number): NodeJS.ProcessEnv {
  const count = String(threads);
  return { ...process.env, ...ALLOCATOR, TF_NUM_INTRAOP_THREADS: count, OMP_NUM_THREADS: count };
}

/** A step that a process runs. */
export interface Job {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  onProgress: RunOptions["onProgress"];
  /** How often the pool has looked since it last said something. */
  silentLooks: number;
}

/** A compute process, and what it has in hand. */
export interface Slot {
  child: ChildProcess;
  jobs: Map<number, Job>;
  /** Steps that it has in hand or is about to get. */
  busy: number;
  /** The last that it has written. */
  log: () => readonly string[];
  /** What it computes with; undefined where it ended before it could say so. */
  backend: Promise<BackendKind | undefined>;
  /** Another takes its place, since it has taken too much memory. */
  isReplaced?: true;
  /** Bytes, at the end of its last step. */
  memory: number;
  /** Why it is being ended on purpose. */
  ending?: TouchstoneError;
  /** Called when it has stored what only it has. */
  onLeft?: () => void;
}

/** Starts a compute process. */
export function startSlot(program: URL, env: NodeJS.ProcessEnv): Slot {
  // Groups of their own: a signal to the worker's group is the worker's to pass on.
  const child = fork(fileURLToPath(program), {
    ...{ serialization: "advanced", detached: true, env, execArgv: COMPUTE_OPTIONS },
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  child.stderr?.on("data", (bytes) => process.stderr.write(bytes));
  const log = child.stderr === null ? () => [] : recentLines(child.stderr);
  return { child, jobs: new Map(), busy: 0, log, memory: 0, backend: told(child) };
}

function told(child: ChildProcess): Promise<BackendKind | undefined> {
  return new Promise((resolve) => {
    child.on("message", (response: Response) => response.kind === "ready" && resolve(response.backend));
    child.once("exit", () => resolve(undefined));
  });
}

/** Resolves when a process has stored what only it has, has ended, or has taken too long. */
export async function leaving(slot: Slot): Promise<void> {
  const left = new Promise<void>((resolve) => {
    slot.onLeft = resolve;
    slot.child.once("exit", () => resolve());
    send(slot, { kind: "leave" });
  });
  await Promise.race([left, new Promise((resolve) => setTimeout(resolve, LEAVE_MS).unref())]);
}

export function send({ child }: Slot, request: Request): void {
  // A process that has just died says so by its exit.
  child.send(request, () => {});
}
