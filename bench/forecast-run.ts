import { mkdtemp, rm } from "node:fs/promises";
import { makePlan } from "../activities/plan-study.js";
import { createProcessState } from "../activities/process-state.js";
import { runLocally } from "../activities/run-locally.js";
import { homePath } from "../storage/home.js";
import { onMeasurement } from "../storage/measure.js";
import type { StudySpec } from "../study/spec.js";
import { serveWork } from "../workers/serve-work.js";
import { secondsSince } from "./timing.js";

/** Entry of a process that computes a small study as a worker's compute process would, and says what that took. */

export interface RunFacts {
  seconds: number;
  /** Bytes of memory at its most, and to the store. */
  peak: number;
  written: number;
}

await serveWork(run);
process.exit(0);

async function run(spec: StudySpec): Promise<RunFacts> {
  let written = 0;
  onMeasurement(({ name, value, tags }) => {
    if (name === "touchstone_store_bytes" && tags.direction === "written") written += value;
  });
  // A worker is there, and has planned, before its study's cells begin.
  const plan = await makePlan(spec, () => {});
  const folder = await mkdtemp(homePath("bench-forecast-"));
  const context = { state: createProcessState(), report: () => {}, signal: new AbortController().signal };
  try {
    const started = performance.now();
    await runLocally(plan, folder, context);
    // Kibibytes.
    return { seconds: secondsSince(started), peak: process.resourceUsage().maxRSS * 1024, written };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
