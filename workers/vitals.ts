import { monitorEventLoopDelay } from "node:perf_hooks";
import { measure } from "../storage/measure.js";

const EVERY_MS = 5000;

/** Measures this process's memory and the delays of its event loop from now on; doesn't keep it alive. */
export function measureVitals(tags: Readonly<Record<string, string>> = {}): void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  setInterval(() => {
    measure("touchstone_process_memory_bytes", process.memoryUsage.rss(), tags);
    measure("touchstone_event_loop_lag_seconds", delay.max / 1e9, tags);
    delay.reset();
  }, EVERY_MS).unref();
}
