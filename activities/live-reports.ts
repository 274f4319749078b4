import { randomUUID } from "node:crypto";
import type { ObjectStore } from "../storage/store.js";

/** Of the reports that a process writes while studies run: how long ago, and what it took. */
export interface LiveReports {
  /**
   * Writes a study's report if it is time to. No two are written at once by this process; others learn of it by a stamp in the
   * store: who finds that it has changed since the last look waits as if the report were its own. No clock is compared with another.
   * The stamp saves work and decides nothing.
   * @returns whether it was written
   */
  write(store: ObjectStore, study: string, report: () => Promise<void>): Promise<boolean>;
}

export interface LiveReportTimes {
  /** Between two reports at the least. */
  pauseMs: number;
  /** That pause as a multiple of the time that the last report took, where that is more: 50 are 2 % of one process's time. */
  factor: number;
}

const TIMES: LiveReportTimes = { pauseMs: 60_000, factor: 50 };

interface Last {
  stamp: string | undefined;
  /** Of `performance.now()`. */
  at: number;
  tookMs: number;
}

export function createLiveReports({ pauseMs, factor }: LiveReportTimes = TIMES): LiveReports {
  const lasts = new Map<string, Last>();
  const writing = new Set<string>();
  return {
    write: async (store, study, report) => {
      const name = `${store.location.bucket}/${store.location.prefix}/${study}`;
      const last = lasts.get(name);
      const now = performance.now();
      if (writing.has(name)) return false;
      if (last !== undefined && now - last.at < Math.max(pauseMs, factor * last.tookMs)) return false;
      writing.add(name);
      try {
        const stamp = await readStamp(store, study);
        if (last !== undefined && stamp !== last.stamp) {
          lasts.set(name, { ...last, stamp, at: now });
          return false;
        }
        const own = randomUUID();
        await store.replace(stampKey(study), new TextEncoder().encode(own), "text/plain");
        const began = performance.now();
        await report().finally(() => {
          const at = performance.now();
          lasts.set(name, { stamp: own, at, tookMs: at - began });
        });
        return true;
      } finally {
        writing.delete(name);
      }
    },
  };
}

async function readStamp(store: ObjectStore, study: string): Promise<string | undefined> {
  const bytes = await store.read(stampKey(study));
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function stampKey(study: string): string {
  return `v1/study/${study}/report.stamp`;
}
