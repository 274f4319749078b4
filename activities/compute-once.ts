import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ObjectStore } from "../storage/store.js";
import type { StepContext } from "./step.js";

/** What several cells may want at once. */
export interface SharedWork<T> {
  /** undefined while nobody has computed it. */
  find(): Promise<T | undefined>;
  /** Computes it and stores it, so that it is found. */
  compute(): Promise<T>;
}

export interface LeaseTimes {
  /** How often a holder shows that it lives, and how often those that wait look. */
  beatMs: number;
  /** After so long without a sign the holder is taken for dead. */
  patienceMs: number;
}

const TIMES: LeaseTimes = { beatMs: 3000, patienceMs: 20_000 };

/**
 * Computes what others may be computing now: who is first writes a lease beside the checkpoints, and the others wait for the
 * result. No clock is compared with another: a lease is taken over when it hasn't changed for some time on the clock
 * of the one that waits. It saves work and decides nothing: where two compute after all, the first commit counts.
 * @param key identity of the result
 * @throws as `find` and `compute`; the signal's reason when it is aborted
 */
export async function computeOnce<T>(
  store: ObjectStore,
  key: string,
  { find, compute }: SharedWork<T>,
  { signal, report }: Pick<StepContext, "signal" | "report">,
  { beatMs, patienceMs }: LeaseTimes = TIMES,
): Promise<T> {
  const lease = `v1/lease/${key}`;
  let sign: string | undefined;
  let since = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const found = await find();
    if (found !== undefined) return found;
    const holder = randomUUID();
    if (await store.writeNew(lease, encode(holder))) return holding(store, lease, holder, beatMs, compute);
    const seen = await readText(store, lease);
    if (seen !== sign) [sign, since] = [seen, performance.now()];
    if (performance.now() - since > patienceMs) {
      // Not removed before: a key that may not delete would never get it.
      await store.replace(lease, encode(holder), "text/plain");
      return holding(store, lease, holder, beatMs, compute);
    }
    report({ stage: "waiting for another worker's result", done: 0, total: 1 });
    await sleep(beatMs, undefined, { signal });
  }
}

/** Holds the lease while it computes. */
async function holding<T>(
  store: ObjectStore,
  lease: string,
  holder: string,
  beatMs: number,
  compute: () => Promise<T>,
): Promise<T> {
  let beats = 0;
  let beat = Promise.resolve();
  const timer = setInterval(() => {
    const renew = () => store.replace(lease, encode(`${holder} ${++beats}`), "text/plain");
    // A lost lease costs work of others only.
    beat = beat.then(renew).catch(() => {});
  }, beatMs);
  try {
    return await compute();
  } finally {
    clearInterval(timer);
    await beat;
    const isOwn = (await readText(store, lease).catch(() => undefined))?.startsWith(holder);
    if (isOwn) await store.remove(lease).catch(() => {});
  }
}

async function readText(store: ObjectStore, key: string): Promise<string | undefined> {
  const bytes = await store.read(key);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
