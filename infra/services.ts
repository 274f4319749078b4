import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { join } from "node:path";
import { checkoutFolder } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { withLock } from "./lock.js";
import { ensureService, logFile, type ProcessRecord, runningProcess, startProcess, stopProcess } from "./processes.js";
import { type Progress, silentProgress } from "./progress.js";
import { seaweedEnvironment, startSeaweedfs } from "./seaweedfs.js";
import { hasWorker, startTemporal, temporalService } from "./temporal.js";

export interface UpOptions {
  /** Start a worker in the background too, and wait until it asks this task queue for work. */
  worker?: { taskQueue: string; slots?: number };
  /** Of a development server that is started; its own where nothing is said. */
  dynamicConfig?: Readonly<Record<string, number>>;
  progress?: Progress;
}

export interface ServiceStatus {
  name: "temporal" | "store" | "worker";
  /** `configured`: the user's own, which `up` and `down` leave alone. */
  state: "running" | "stopped" | "configured";
  address?: string;
  /** The service's web page. */
  ui?: string;
  pid?: number;
  log?: string;
}

/**
 * Starts, in the background, what a study needs and isn't there: the Temporal development server and SeaweedFS, unless
 * services of the user's own are configured, and on request a worker. Running it again changes nothing.
 * @throws TouchstoneError SetupIncomplete, ServiceUnavailable (with the end of the service's log), DiskFull
 */
export async function up({
  worker,
  dynamicConfig,
  progress = silentProgress,
}: UpOptions = {}): Promise<ServiceStatus[]> {
  await withLock("services", async () => {
    // One after the other: each step's progress stays readable, and both start in a second or two.
    if ((await temporalService())?.origin !== "configured") await startTemporal(progress, dynamicConfig);
    if (!storeIsConfigured((await seaweedEnvironment())?.S3_ENDPOINT)) await startSeaweedfs(progress);
    if (worker !== undefined) await startWorker(worker.taskQueue, workerArguments(worker.slots), progress);
  });
  return status();
}

/** Ends exactly what `up` has started, the worker first. The names of what was running. */
export async function down(): Promise<string[]> {
  return withLock("services", async () => {
    const stopped: string[] = [];
    for (const name of ["worker", "temporal", "seaweedfs"]) if (await stopProcess(name)) stopped.push(name);
    return stopped;
  });
}

export async function status(): Promise<ServiceStatus[]> {
  const temporal = await temporalService();
  const local = await seaweedEnvironment();
  const store: ServiceStatus = storeIsConfigured(local?.S3_ENDPOINT)
    ? { name: "store", state: "configured", address: process.env.S3_ENDPOINT ?? "Amazon S3" }
    : { name: "store", ...describe(await runningProcess("seaweedfs")), address: local?.S3_ENDPOINT };
  return [
    temporal?.origin === "configured"
      ? { name: "temporal", state: "configured", address: temporal.address }
      : {
          name: "temporal",
          ...describe(await runningProcess("temporal")),
          address: temporal?.address,
          ui: temporal?.ui,
        },
    store,
    { name: "worker", ...describe(await runningProcess("worker")) },
  ];
}

/**
 * The variables by which a program reaches the services of this home (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
 * `S3_ENDPOINT`, `AWS_*`, `TOUCHSTONE_BUCKET`); those of services that the user has configured are left as they are.
 * They hold secrets: apply them, don't print them.
 */
export async function serviceEnvironment(): Promise<Record<string, string>> {
  const temporal = await temporalService();
  const local = await seaweedEnvironment();
  return {
    ...(temporal?.origin === "local"
      ? { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace }
      : {}),
    ...(local === undefined || storeIsConfigured(local.S3_ENDPOINT) ? {} : { ...local, ...withoutOtherIdentities() }),
  };
}

/**
 * A store of the user's own: `S3_ENDPOINT` says where; without it, AWS credentials together with `TOUCHSTONE_BUCKET` mean
 * Amazon S3. Credentials alone do not: people have them for other purposes, and studies write gigabytes.
 */
export function storeIsConfigured(localEndpoint: string | undefined): boolean {
  const { S3_ENDPOINT, TOUCHSTONE_BUCKET, ...env } = process.env;
  if (S3_ENDPOINT) return S3_ENDPOINT !== localEndpoint;
  const identities = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
  return Boolean(TOUCHSTONE_BUCKET) && identities.some((name) => env[name]);
}

/** A session or profile of the user's would be taken in place of, or mixed with, the local store's keys. */
function withoutOtherIdentities(): Record<string, string> {
  const others = ["AWS_SESSION_TOKEN", "AWS_PROFILE"].filter((name) => process.env[name]);
  return Object.fromEntries(others.map((name) => [name, ""]));
}

const BYTES_A_PROCESS = 6 * 2 ** 30;

/**
 * Two compute processes where there is memory for them, each with half of the cores: in a process by itself, much of a step
 * is done by a single core, and threads of both in the same cores' way make it slower.
 */
function workerArguments(slots = totalmem() >= 2 * BYTES_A_PROCESS ? 2 : 1): string[] {
  return ["--slots", String(slots)];
}

/** A worker of another build than the present one is replaced: it would run old code on new studies. */
async function startWorker(taskQueue: string, options: readonly string[], progress: Progress): Promise<void> {
  const service = await temporalService();
  if (service === undefined)
    throw new TouchstoneError("ServiceUnavailable", { what: "Temporal isn't there", todo: "Run `touchstone up`." });
  const build = await readFile(join(checkoutFolder, "dist", ".tsbuildinfo"));
  const version = createHash("sha256").update(build).digest("hex").slice(0, 16);
  const running = await runningProcess("worker");
  if (running !== undefined && running.version !== version) await stopProcess("worker");
  await ensureService(
    {
      name: "worker",
      start: async () => {
        const env = { ...process.env, ...(await serviceEnvironment()) };
        const program = join(checkoutFolder, "dist", "workers", "main.js");
        return startProcess("worker", [process.execPath, program, ...options], { env, version });
      },
      ready: () => hasWorker(service, taskQueue).catch(() => false),
    },
    progress,
  );
}

function describe(record: ProcessRecord | undefined): Pick<ServiceStatus, "state" | "pid" | "log"> {
  if (record === undefined) return { state: "stopped" };
  return { state: "running", pid: record.pid, log: logFile(record.name) };
}
