import { Worker } from "node:worker_threads";
import { type ErrorType, type Problem, TouchstoneError } from "../study/errors.js";
import { type Measurement, measure } from "./measure.js";
import { objectsInTransit } from "./s3.js";
import type { ObjectStore, StoreLocation } from "./store.js";

type StoreMethod = Exclude<keyof ObjectStore, "location">;

/** What the thread is asked for: a method of a store, or a task with it. */
type Asked = { location: StoreLocation } & (
  | { method: StoreMethod; args: readonly unknown[] }
  | { task: string; input: unknown }
);

export type StoreRequest = Asked & { id: number };

/** A failure without a type is a mistake of the program. */
export type StoreResponse =
  | { id: number; value: unknown }
  | { id: number; failure: { type?: ErrorType; problem?: Problem; message: string } }
  | { measured: Measurement };

/** The `run` of a module that `ThreadedStore.run` names. It is loaded in the thread: what it imports is loaded there once more. */
export type StoreTask<Input, Value> = (store: ObjectStore, input: Input) => Promise<TaskResult<Value>>;

export interface TaskResult<Value> {
  value: Value;
  /** Buffers of the value that go over instead of being copied. */
  transferred?: ArrayBuffer[];
}

export interface ThreadedStore extends ObjectStore {
  /**
   * Runs `run(store, input)` of a module in the store's thread: what is to be done with bytes before they are stored holds up
   * nobody else either.
   * @param transferred buffers of the input that go over instead of being copied; the caller has them no more
   */
  run<Value>(module: URL, input: unknown, transferred?: readonly ArrayBuffer[]): Promise<Value>;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * The object store, asked from a thread of its own: while this one computes in calls that hold up everything else, what is stored and
 * read goes on. One thread a process, by the variables that it has at the first request; it doesn't keep the process alive.
 * @throws as `openStore`; StorageUnavailable (retryable) when the thread has ended
 */
export function openThreadedStore(location: StoreLocation): ThreadedStore {
  const ask = <T>(method: StoreMethod, args: readonly unknown[], transferred: ArrayBuffer[] = []) =>
    request({ location, method, args }, transferred) as Promise<T>;
  /** The caller keeps its bytes: what goes over is a copy. */
  const withBytes = <T>(method: StoreMethod, key: string, bytes: Uint8Array, more: readonly unknown[] = []) => {
    const copy = bytes.slice();
    return ask<T>(method, [key, copy, ...more], [copy.buffer]);
  };
  return {
    location,
    read: (key) => ask("read", [key]),
    writeNew: (key, bytes) => withBytes("writeNew", key, bytes),
    renew: (key) => ask("renew", [key]),
    replace: (key, bytes, contentType) => withBytes("replace", key, bytes, [contentType]),
    list: (prefix) => ask("list", [prefix]),
    move: (from, to) => ask("move", [from, to]),
    remove: (key) => ask("remove", [key]),
    run: <Value>(module: URL, input: unknown, transferred: readonly ArrayBuffer[] = []) =>
      request({ location, task: module.href, input }, transferred) as Promise<Value>,
  };
}

/**
 * Whether this process waits for the object store, in this thread or the store's: a wait that ends, since no request of the store
 * hangs for ever, and no sign that the process does.
 */
export function waitsForStore(): boolean {
  return pending.size > 0 || objectsInTransit() > 0;
}

let thread: Worker | undefined;
let nextId = 0;
const pending = new Map<number, Pending>();

function request(asked: Asked, transferred: readonly ArrayBuffer[]): Promise<unknown> {
  const running = thread ?? startThread();
  thread = running;
  const id = nextId++;
  return new Promise((resolve, reject) => {
    running.postMessage({ ...asked, id } satisfies StoreRequest, transferred);
    pending.set(id, { resolve, reject });
    running.ref();
  });
}

function startThread(): Worker {
  const started = new Worker(new URL("./store-thread.js", import.meta.url));
  started.on("message", (response: StoreResponse) => {
    if ("measured" in response) {
      const { name, value, tags } = response.measured;
      return measure(name, value, tags);
    }
    const waiting = pending.get(response.id);
    pending.delete(response.id);
    if (pending.size === 0) started.unref();
    if ("value" in response) waiting?.resolve(response.value);
    else waiting?.reject(asError(response.failure));
  });
  started.on("error", (cause) => ended(started, cause));
  started.on("exit", () => ended(started, undefined));
  return started;
}

function ended(which: Worker, cause: unknown): void {
  if (thread !== which) return;
  thread = undefined;
  const error = new TouchstoneError(
    "StorageUnavailable",
    { what: "The thread that speaks with the object store has ended", todo: "It is started again." },
    { cause },
  );
  for (const { reject } of pending.values()) reject(error);
  pending.clear();
}

function asError({ type, problem, message }: { type?: ErrorType; problem?: Problem; message: string }): Error {
  return type !== undefined && problem !== undefined ? new TouchstoneError(type, problem) : new Error(message);
}
