import { existsSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { fileURLToPath } from "node:url";
import type { DataConverter, WorkerDeploymentVersion } from "@temporalio/common";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import { NativeConnection, Runtime, type WorkerOptions as TemporalOptions, Worker } from "@temporalio/worker";
import { delegatedActivities } from "../activities/delegated.js";
import { deviceOf } from "../activities/process-state.js";
import type { StepName } from "../activities/steps.js";
import { machineMemory } from "../storage/machine-memory.js";
import { TouchstoneError } from "../study/errors.js";
import { ownQueue, taskQueues } from "../study/names.js";
import type { BackendKind } from "../tensor/backend.js";
import { placeInLogs } from "./activity-interceptor.js";
import { ComputePool } from "./compute-pool.js";
import { dataConverter } from "./encryption.js";
import { serveHealth } from "./health.js";
import { type QueueName, type QueuePart, queueParts } from "./queues.js";
import { startTracing } from "./tracing.js";
import { versioning } from "./versioning.js";

export interface WorkerOptions {
  queues: readonly QueueName[];
  /** Compute processes, which compression and evaluation share. */
  slots: number;
  /** Threads of each; the cores by default divided among the slots. */
  threads?: number;
  /** Bytes that each may take before it is replaced; most of the machine's by default divided among the slots. */
  memory?: number;
  /** A compute process that says nothing for so long is taken for hung. */
  stallSeconds?: number;
  /** The program of the compute processes; that of this folder by default. */
  program?: URL;
  /** Where probes are answered, `host:port`; nowhere by default. */
  health?: string;
  /** The worker deployment's version that this worker belongs to. */
  version?: WorkerDeploymentVersion;
}

/** What a worker asks Temporal for: what is not said here, all its workers have in common. */
type Asked = Pick<TemporalOptions, "taskQueue" | "activities" | "workflowBundle" | "workflowsPath"> & {
  atOnce?: number;
  computing?: Computing;
};

/** With what and how many compute. */
interface Computing {
  backend: BackendKind;
  slots: number;
}

const dataSteps: readonly StepName[] = [
  "sampleSource",
  "planSweep",
  "finishCell",
  "recordFailure",
  "skipCell",
  "unskipCells",
  "reportStudy",
  "planSearch",
  "openSearchRound",
  "rankSearchRound",
];

/** While one step of a process waits for the store, the next one computes. */
const STEPS_A_PROCESS = 2;
const DATA_STEPS = 8;

/** Of the machine's memory that compute processes may take together. */
const MEMORY_SHARE = 0.9;

/**
 * Runs Temporal workers for the given queues until the process is told to end (SIGTERM, SIGINT); then steps get some time to
 * finish, and the rest is left to other workers.
 * @throws TouchstoneError ComputeCrashed where a compute process does not start
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { queues, slots, threads, memory, program, stallSeconds, health, version } = options;
  const parts = new Set<QueuePart>(queues.flatMap((name) => queueParts[name]));
  let endWith: (error: unknown) => void = () => {};
  const unreadable = new Promise<never>((_, reject) => {
    endWith = reject;
  });
  // Until the workers run nobody waits for it.
  unreadable.catch(() => {});
  const converter = dataConverter((error) => endWith(error));
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const own = ownQueue(`${hostname()}-${process.pid}`);
  const pools: ComputePool[] = [];
  const pool = (name: string, processes: number, stepsEach: number) => {
    const created = new ComputePool({
      ...{ name, processes, stepsEach, program, onReplaced, stallSeconds },
      threads: threads ?? Math.max(1, Math.floor(availableParallelism() / slots)),
      memory: memory ?? (MEMORY_SHARE * machineMemory()) / slots,
    });
    pools.push(created);
    return created;
  };
  const tracing = await startTracing();
  const interceptors = { activity: [placeInLogs, ...(tracing === undefined ? [] : [tracing.interceptor])] };
  const create = ({ atOnce, computing, ...asked }: Asked) =>
    Worker.create({
      connection,
      dataConverter: converter,
      namespace: namespace ?? "default",
      interceptors,
      identity: identityOf(asked.taskQueue, computing),
      maxHeartbeatThrottleInterval: "5s",
      shutdownGraceTime: "20s",
      shutdownForceTime: "90s",
      maxConcurrentActivityTaskExecutions: atOnce,
      // A worker's own queue goes with it: it is no part of a version, which must have the same queues as the one before.
      ...versioning(asked.taskQueue === own ? undefined : version),
      ...asked,
    });
  try {
    const asked: Asked[] = [];
    if (parts.has("workflows")) asked.push({ taskQueue: taskQueues.orchestration, ...workflowCode(converter) });
    if (parts.has("store")) asked.push(dataQueue(pool("data", 1, DATA_STEPS)));
    if (parts.has("compression") || parts.has("evaluation"))
      asked.push(...(await computeQueues(parts, pool("compute", slots, STEPS_A_PROCESS), slots, own)));
    const workers = await Promise.all(asked.map(create));
    const probes =
      health === undefined
        ? undefined
        : await serveHealth(health, {
            workers: () => workers.map((worker) => worker.getStatus()),
            reachServer: () =>
              connection.withDeadline(Date.now() + 5000, () => connection.workflowService.getSystemInfo({})),
          });
    const runs = Promise.all(workers.map((worker) => worker.run())).finally(() => probes?.close());
    // One that can't read what it is given would fail every study's steps, one after another.
    await Promise.race([runs, unreadable]).catch(async (error: unknown) => {
      for (const worker of workers) if (worker.getState() === "RUNNING") worker.shutdown();
      await runs.catch(() => {});
      throw error;
    });
  } finally {
    await Promise.all(pools.map((each) => each.leave()));
    await connection.close();
    await tracing?.end();
  }
}

function dataQueue(pool: ComputePool): Asked {
  return { taskQueue: taskQueues.store, activities: delegatedActivities(dataSteps, pool), atOnce: DATA_STEPS };
}

/** The queues of the device that the processes compute on. Those that take new cells have less in hand: others may be idle. */
async function computeQueues(
  parts: ReadonlySet<QueuePart>,
  pool: ComputePool,
  slots: number,
  own: string,
): Promise<Asked[]> {
  const backend = await pool.backend();
  if (backend === undefined) throw new TouchstoneError("ComputeCrashed", { what: "No compute process can start" });
  const device = deviceOf({ backend });
  const computing = { backend, slots };
  const inHand = slots * STEPS_A_PROCESS;
  const planning = delegatedActivities(["planStudy"], pool);
  const compression = delegatedActivities(["embedCalibration", "compressBlock"], pool, { worker: own });
  const evaluation = delegatedActivities(["evaluate"], pool);
  return [
    ...(parts.has("compression")
      ? [
          { taskQueue: taskQueues.planning, activities: planning, atOnce: 1, computing },
          {
            taskQueue: taskQueues.compute[device],
            activities: { ...planning, ...compression },
            atOnce: slots,
            computing,
          },
          { taskQueue: own, activities: compression, atOnce: inHand, computing },
        ]
      : []),
    ...(parts.has("evaluation")
      ? [{ taskQueue: taskQueues.evaluation[device], activities: evaluation, atOnce: inHand, computing }]
      : []),
  ];
}

/** As pollers of a queue are listed: queue, machine and process; with what and how many compute, `.../cpu x2`. */
function identityOf(queue: string, computing?: Computing): string {
  // A worker's own queue has the worker in its name already.
  const worker = `${queue.split("@")[0]}@${hostname()}:${process.pid}`;
  if (computing === undefined) return worker;
  return `${worker}/${computing.backend.replace("native-", "")} x${computing.slots}`;
}

function onReplaced(pid: number, memory: number): void {
  const taken = `${Math.ceil(memory / 2 ** 20)} MiB`;
  Runtime.instance().logger.info(`compute process ${pid} took ${taken}: another takes its place`);
}

/** The bundle made at build, or for encrypted histories one with their failure converter, which is made now: some seconds. */
function workflowCode({
  failureConverterPath,
}: DataConverter): Pick<TemporalOptions, "workflowBundle" | "workflowsPath"> {
  const file = (name: string) => fileURLToPath(new URL(`../workflows/${name}`, import.meta.url));
  if (failureConverterPath !== undefined) return { workflowsPath: file("index.js") };
  const codePath = file("bundle.js");
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  throw new TouchstoneError("SetupIncomplete", {
    what: "The workflows are not bundled",
    where: codePath,
    todo: "Run `npm run build`, which does more than the compiler alone.",
  });
}
