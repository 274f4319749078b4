import type { FoundManifest } from "../../activities/find-manifest.js";
import { createProcessState } from "../../activities/process-state.js";
import { type Reproduction, withReproduction } from "../../activities/reproduce.js";
import { requireSameEnvironment } from "../../activities/reproduce-checks.js";
import { openStore, type StoreLocation } from "../../storage/store.js";
import { serveWork } from "../../workers/serve-work.js";

/** Entry of a process that computes cells anew, with what a worker's compute process has. */

export interface ReproduceWork extends FoundManifest {
  /** Where the recorded bytes lie; without it digests are compared alone. */
  location?: StoreLocation;
  /** Also where bytes can't be expected to be the same. */
  anyway: boolean;
}

const context = { state: createProcessState(), report: () => {}, signal: new AbortController().signal };

await withReproduction(context, (reproduce) =>
  serveWork<ReproduceWork, Reproduction>(async ({ manifest, last, location, anyway }) => {
    if (!anyway) await requireSameEnvironment(manifest.plan);
    return reproduce(manifest, { stored: location && openStore(location), last });
  }),
);
process.exit(0);
