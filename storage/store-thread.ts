import { parentPort } from "node:worker_threads";
import { TouchstoneError } from "../study/errors.js";
import { type ObjectStore, openStore } from "./store.js";
import type { StoreRequest, StoreResponse } from "./threaded-store.js";

/** Entry of the thread that speaks with the object store for `openThreadedStore`. */

const stores = new Map<string, ObjectStore>();

parentPort?.on("message", async ({ id, location, method, args }: StoreRequest) => {
  const name = `${location.bucket}/${location.prefix}`;
  const store = stores.get(name) ?? openStore(location);
  stores.set(name, store);
  try {
    const ask = store[method] as (...args: readonly unknown[]) => Promise<unknown>;
    const value = await ask(...args);
    if (!(value instanceof Uint8Array)) return answer({ id, value });
    // A copy that is all of its buffer, so that the buffer itself can go over.
    const own = value.slice();
    answer({ id, value: own }, [own.buffer]);
  } catch (error) {
    answer({ id, failure: describe(error) });
  }
});

function describe(error: unknown): { message: string } & Partial<Pick<TouchstoneError, "type" | "problem">> {
  if (error instanceof TouchstoneError) return { type: error.type, problem: error.problem, message: error.message };
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function answer(response: StoreResponse, transferred: ArrayBuffer[] = []): void {
  parentPort?.postMessage(response, transferred);
}
