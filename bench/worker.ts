import { runningProcess, stopProcess } from "../infra/processes.js";
import { up } from "../infra/services.js";
import { taskQueues } from "../study/names.js";

/** A worker with one compute process, unless there is a worker; what was started is ended. */
export async function withWorker<T>(work: () => Promise<T>): Promise<T> {
  const found = await runningProcess("worker");
  await up({ worker: { taskQueue: taskQueues.orchestration, slots: 1 } });
  try {
    return await work();
  } finally {
    if (found === undefined) await stopProcess("worker");
  }
}
