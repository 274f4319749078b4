import { parentPort } from "node:worker_threads";
import { TouchstoneError } from "../study/errors.js";
import { onMeasurement } from "./measure.js";
import { type ObjectStore, openStore } from "./store.js";
import type { StoreRequest, StoreResponse, StoreTask, TaskResult } from "./threaded-store.js";

/** Entry of the thread that speaks with the object store for `openThreadedStore`. */

const stores = new Map<string, ObjectStore>();

onMeasurement((measured) => answer({ measured }));

parentPort?.on("message", async ({ id, location, ...asked }: StoreRequest) => {
  const name = `${location.bucket}/${location.prefix}`;
  const store = stores.get(name) ?? openStore(location);
  stores.set(name, store);
  try {
    const { value, transferred } = await ("task" in asked ? runTask(store, asked) : askStore(store, asked));
    answer({ id, value }, transferred);
  } catch (error) {
    answer({ id, failure: describe(error) });
  }
});

async function runTask(
  store: ObjectStore,
  { task, input }: { task: string; input: unknown },
): Promise<TaskResult<unknown>> {
  const { run } = (await import(task)) as { run: StoreTask<unknown, unknown> };
  return run(store, input);
}

async function askStore(
  store: ObjectStore,
  { method, args }: { method: Exclude<keyof ObjectStore, "location">; args: readonly unknown[] },
): Promise<TaskResult<unknown>> {
  const ask = store[method] as (...args: readonly unknown[]) => Promise<unknown>;
  const value = await ask(...args);
  if (!(value instanceof Uint8Array)) return { value };
  // A copy that is all of its buffer, so that the buffer itself can go over.
  const own = value.slice();
  return { value: own, transferred: [own.buffer] };
}

function describe(error: unknown): { message: string } & Partial<Pick<TouchstoneError, "type" | "problem">> {
  if (error instanceof TouchstoneError) return { type: error.type, problem: error.problem, message: error.message };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function answer(response: StoreResponse, transferred: ArrayBuffer[] = []): void {
  parentPort?.postMessage(response, transferred);
}
