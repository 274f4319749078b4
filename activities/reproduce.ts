import { rm } from "node:fs/promises";
import { join } from "node:path";
import { openCheckpoints } from "../storage/checkpoints.js";
import { openFolderStore } from "../storage/folder-store.js";
import { identity } from "../storage/identity.js";
import type { ObjectStore } from "../storage/store.js";
import type { ThreadedStore } from "../storage/threaded-store.js";
import type { CellManifest } from "./cell-manifest.js";
import { type CellStep, calibrationStep, computedSteps } from "./cell-steps.js";
import type { CellRef } from "./cell-task.js";
import { withLocalStore } from "./local-store.js";
import { withRunFolder } from "./run-folder.js";
import type { CalibrationFacts } from "./sample-source.js";
import type { StepContext } from "./step.js";
import { type StepDifference, stepDifference } from "./step-difference.js";
import { steps } from "./steps.js";

/** What came of computing a cell anew. */
export interface Reproduction {
  /** MODEL/METHOD/SOURCE-nN-setK */
  cell: string;
  /** Steps whose bytes are those that were recorded. */
  equal: number;
  /** The first step whose bytes aren't; what comes after it was computed from other things, and isn't looked at. */
  parts?: StepDifference & { step: string };
  seconds: number;
}

export interface ReproduceOptions {
  /** The recorded bytes, where they are to be had: else their digests are compared alone. It is read only. */
  stored?: Pick<ObjectStore, "read">;
  /** Key of the step to end with; all, unless it is given. */
  last?: string;
}

export type Reproduce = (manifest: CellManifest, options?: ReproduceOptions) => Promise<Reproduction>;

/**
 * Lets `use` compute cells anew in this process, without Temporal, by the same steps as a study's workers. Their results lie in the
 * home while it lasts; calibration sets serve all cells of a plan, everything else is made for each.
 */
export function withReproduction<T>(context: StepContext, use: (reproduce: Reproduce) => Promise<T>): Promise<T> {
  return withRunFolder("reproduce", (root) => {
    const sets = openFolderStore(join(root, "sets"));
    let cells = 0;
    return use(async (manifest, options = {}) => {
      const folder = join(root, `cell-${cells++}`);
      try {
        return await reproduce(manifest, options, { sets, own: openFolderStore(folder, sets) }, context);
      } finally {
        await context.state.ahead.drop();
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
}

async function reproduce(
  { study: name, name: cellName, cell, plan, steps: recorded }: CellManifest,
  { stored, last }: ReproduceOptions,
  { sets, own }: Record<"sets" | "own", ThreadedStore>,
  context: StepContext,
): Promise<Reproduction> {
  const started = performance.now();
  const ref: CellRef = { study: { name, plan: identity(plan), bucket: "", prefix: "" }, cell };
  const checkpoints = openCheckpoints(own);
  const known = new Map(recorded.map((step) => [step.key, step]));
  let equal = 0;
  const result = (parts?: Reproduction["parts"]): Reproduction => {
    const seconds = (performance.now() - started) / 1000;
    return { cell: cellName, equal, ...(parts === undefined ? {} : { parts }), seconds };
  };
  /** undefined where it is the same. */
  const compare = async ({ kind, key, place, derivation }: CellStep): Promise<Reproduction["parts"]> => {
    const then = known.get(key);
    // Hidden states are kept for as long as unfinished cells may need them.
    if (then === undefined && kind === "activations") return undefined;
    const now = await checkpoints.find(kind, derivation);
    if (now === undefined) throw new RangeError(`${place} was computed, and isn't there`);
    const found =
      then === undefined
        ? { object: "manifest", what: "it is gone from the store" }
        : await stepDifference(then, now, stored, own);
    if (found !== undefined) return { step: place, ...found };
    equal++;
    return undefined;
  };

  const first = calibrationStep(plan, cell);
  let digest: string | null = null;
  if (first !== undefined) {
    const { model, source } = cell;
    await steps.sampleSource({ study: ref.study, model, source: source ?? "" }, withLocalStore(context, plan, sets));
    const parts = await compare(first);
    if (parts !== undefined || first.key === last) return result(parts);
    digest = (await checkpoints.find<CalibrationFacts>("calibration", first.derivation))?.facts.digest ?? null;
  }
  for (const step of stepsUntil(computedSteps(plan, cell, digest), last)) {
    await compute(step, ref, withLocalStore(context, plan, own));
    const parts = await compare(step);
    if (parts !== undefined) return result(parts);
  }
  return result();
}

/** Those that the last one needs; evaluations need each other's results in nothing. */
function stepsUntil(all: readonly CellStep[], last: string | undefined): CellStep[] {
  const end = all.findIndex(({ key }) => key === last);
  if (end === -1) return [...all];
  return all
    .slice(0, end + 1)
    .filter(({ kind, key }) => kind !== "evaluation" || key === last || all[end].kind === "cell");
}

async function compute({ kind, block, evaluation }: CellStep, ref: CellRef, context: StepContext): Promise<void> {
  if (kind === "activations") await steps.embedCalibration(ref, context);
  else if (block !== undefined) await steps.compressBlock({ ...ref, block }, context);
  else if (evaluation !== undefined) await steps.evaluate({ ...ref, evaluation }, context);
  else await steps.finishCell(ref, context);
}
