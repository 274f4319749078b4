import { availableParallelism, hostname } from "node:os";
import { fileURLToPath } from "node:url";
import type { DataConverter } from "@temporalio/common";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import { NativeConnection, Worker, type WorkerOptions as WorkerConfig } from "@temporalio/worker";
import { delegatedActivities } from "../activities/delegated.js";
import type { StepName } from "../activities/steps.js";
import { taskQueues } from "../study/names.js";
import type { BackendKind } from "../tensor/backend.js";
import { placeInLogs } from "./activity-interceptor.js";
import { ComputePool } from "./compute-pool.js";
import { dataConverter } from "./encryption.js";
import { startTracing } from "./tracing.js";

export type QueueName = keyof typeof taskQueues;

export interface WorkerOptions {
  queues: readonly QueueName[];
  /** Compute processes. */
  slots: number;
  /** Threads of each; the cores by default divided among the slots. */
  threads?: number;
}

const computeSteps: readonly StepName[] = ["planStudy", "embedCalibration", "compressBlock", "evaluate"];
const dataSteps: readonly StepName[] = ["sampleSource", "planSweep", "finishCell", "recordFailure", "reportStudy"];

/** While one step of a process waits for the store, the next one computes. */
const STEPS_A_PROCESS = 2;
const DATA_STEPS = 8;

/**
 * Runs Temporal workers for the given queues until the process is told to end (SIGTERM, SIGINT); then steps get some time to
 * finish, and the rest is left to other workers.
 */
export async function runWorker({ queues, slots, threads }: WorkerOptions): Promise<void> {
  let endWith: (error: unknown) => void = () => {};
  const unreadable = new Promise<never>((_, reject) => {
    endWith = reject;
  });
  // Until the workers run nobody waits for it.
  unreadable.catch(() => {});
  const converter = dataConverter((error) => endWith(error));
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const threadsEach = threads ?? Math.max(1, Math.floor(availableParallelism() / slots));
  const pools: ComputePool[] = [];
  const pool = (name: string, processes: number, stepsEach: number) => {
    const created = new ComputePool({ name, processes, stepsEach, threads: threadsEach });
    pools.push(created);
    return created;
  };
  const tracing = await startTracing();
  const interceptors = { activity: [placeInLogs, ...(tracing === undefined ? [] : [tracing.interceptor])] };
  const common = {
    connection,
    dataConverter: converter,
    namespace: namespace ?? "default",
    maxHeartbeatThrottleInterval: "5s",
    shutdownGraceTime: "20s",
    shutdownForceTime: "90s",
  } as const;
  const create: Record<QueueName, () => Promise<Worker>> = {
    orchestration: () =>
      Worker.create({
        ...common,
        interceptors,
        identity: identityOf(taskQueues.orchestration),
        taskQueue: taskQueues.orchestration,
        ...workflowCode(converter),
        activities: delegatedActivities(dataSteps, pool("data", 1, DATA_STEPS)),
        maxConcurrentActivityTaskExecutions: DATA_STEPS,
      }),
    compute: async () => {
      const runner = pool("compute", slots, STEPS_A_PROCESS);
      return Worker.create({
        ...common,
        interceptors,
        identity: identityOf(taskQueues.compute, { backend: await runner.backend(), slots }),
        taskQueue: taskQueues.compute,
        activities: delegatedActivities(computeSteps, runner),
        maxConcurrentActivityTaskExecutions: slots * STEPS_A_PROCESS,
      });
    },
  };
  try {
    const workers = await Promise.all(queues.map((queue) => create[queue]()));
    const runs = Promise.all(workers.map((worker) => worker.run()));
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

/** As pollers of a queue are listed: queue, machine and process; with what and how many compute, `.../cpu x2`. */
function identityOf(queue: string, compute?: { backend?: BackendKind; slots: number }): string {
  const worker = `${queue}@${hostname()}:${process.pid}`;
  if (compute?.backend === undefined) return worker;
  return `${worker}/${compute.backend.replace("native-", "")} x${compute.slots}`;
}

/** The bundle made at build, or for encrypted histories one with their failure converter, which is made now: some seconds. */
function workflowCode({ failureConverterPath }: DataConverter): Pick<WorkerConfig, "workflowBundle" | "workflowsPath"> {
  const file = (name: string) => fileURLToPath(new URL(`../workflows/${name}`, import.meta.url));
  if (failureConverterPath === undefined) return { workflowBundle: { codePath: file("bundle.js") } };
  return { workflowsPath: file("index.js") };
}
