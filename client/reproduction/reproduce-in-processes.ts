import type { FoundManifest } from "../../activities/find-manifest.js";
import type { Reproduction } from "../../activities/reproduce.js";
import { startWorkProcess } from "../../workers/work-process.js";
import type { ReproduceWork } from "./reproduce-process.js";

export interface ProcessesOptions extends Pick<ReproduceWork, "location" | "anyway"> {
  /** How many compute at a time. */
  processes: number;
  /** Of each. */
  threads: number;
  /** Cells that are done. */
  onProgress(done: number): void;
}

/**
 * Computes cells anew, each in one of several processes.
 * @returns in the order of `found`
 * @throws TouchstoneError as the first that failed, when the others have tidied up; ComputeCrashed
 */
export async function reproduceInProcesses(
  found: readonly FoundManifest[],
  { processes, threads, onProgress, ...options }: ProcessesOptions,
): Promise<Reproduction[]> {
  const program = new URL("./reproduce-process.js", import.meta.url);
  const children = Array.from({ length: Math.min(processes, found.length) }, () =>
    startWorkProcess<ReproduceWork, Reproduction>(program, threads, {
      what: "A process that computes cells anew has ended",
      todo: "Give fewer processes, or more memory.",
    }),
  );
  const reproductions: Reproduction[] = [];
  const waiting = found.entries();
  let done = 0;
  try {
    await Promise.all(
      children.map(async (child) => {
        // One iterator for all: who is free takes the next.
        for (const [i, { manifest, last }] of waiting) {
          reproductions[i] = await child.run({ manifest, last, ...options });
          onProgress(++done);
        }
      }),
    );
    return reproductions;
  } finally {
    await Promise.all(children.map((child) => child.leave()));
  }
}
