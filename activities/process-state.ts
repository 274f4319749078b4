import { statfsSync } from "node:fs";
import { LRUCache } from "lru-cache";
import { jitteredModel } from "../models/jitter.js";
import { loadModel } from "../models/load.js";
import type { Model } from "../models/model.js";
import { type Checkpoints, openCheckpoints } from "../storage/checkpoints.js";
import { homePath } from "../storage/home.js";
import { identity, NUMERICS_VERSION } from "../storage/identity.js";
import type { ObjectStore } from "../storage/store.js";
import { openThreadedStore, type ThreadedStore } from "../storage/threaded-store.js";
import { TouchstoneError } from "../study/errors.js";
import type { Device } from "../study/names.js";
import type { Environment, StudyPlan, StudyRef } from "../study/plan.js";
import { loadBackend } from "../tensor/backend.js";
import { createShelf, disposeShelved, type Shelf, type Shelved } from "../tensor/shelf.js";
import { type Ahead, createAhead } from "./ahead.js";
import { modelOf } from "./derivations.js";
import { createKeeping, type Keeping } from "./keeping.js";
import { createLiveReports, type LiveReports } from "./live-reports.js";
import type { Solution } from "./solution.js";
import { createTurns, type Turns } from "./turns.js";

const BLOCK_BYTES = 1 << 30;
const OPEN_MODELS = 4;

/** Activations of a calibration set before some block, in the chunks that `chunkSequences` makes. */
export type Activations = readonly Shelved[];

/**
 * What a process keeps between steps. All of it can be read or computed again: a step that runs elsewhere gives the same
 * result, only later.
 */
export interface ProcessState {
  checkpoints(study: StudyRef): Checkpoints;
  store(study: StudyRef): ThreadedStore;
  plan(study: StudyRef): Promise<StudyPlan>;
  /** The study's model, jittered for a noise replicate. @throws TouchstoneError InvalidModel when it isn't what was planned */
  model(plan: StudyPlan, id: string, noise: number | null): Promise<Model>;
  /** @throws TouchstoneError ServiceUnavailable when results of this process would differ from those of the study's others */
  requireEnvironment(plan: StudyPlan): Promise<void>;
  activations: ActivationCache;
  /** Where activations rest. */
  shelf: Shelf;
  keeping: Keeping;
  /** Steps compress one at a time, so that the memory of one is taken; meanwhile others read and store. */
  compressing: Turns;
  /** Evaluations score one at a time, so that the memory of one is taken, and find what the one before has stored. */
  evaluating: Turns;
  /** When the reports of studies that run were written. */
  liveReports: LiveReports;
  /** The block after the one that is being stored. */
  ahead: Ahead<Solution>;
  /** Linears of a compressed block, as dense weights, by the identity of the block. */
  blocks: LRUCache<string, ReadonlyMap<string, Float32Array>>;
}

/** Activations that a later step of this process will probably ask for. The cache owns what it holds. */
export interface ActivationCache {
  /** @param store what keeps them where the process is stopped, if they aren't in the store */
  put(key: string, activations: Activations, store?: () => Promise<void>): void;
  /** The caller's own from then on. */
  take(key: string): Activations | undefined;
  /** Another hold on the same values; the caller disposes it. */
  share(key: string): Activations | undefined;
  /** Stores all that only this process has, as far as that succeeds. */
  storeAll(): Promise<void>;
}

export function createProcessState(): ProcessState {
  const stores = new Map<string, ThreadedStore>();
  const plans = new Map<string, StudyPlan>();
  const models = new LRUCache<string, Promise<Model>>({
    max: OPEN_MODELS,
    dispose: (model) => void model.then((m) => m.close()).catch(() => undefined),
  });
  const store = ({ bucket, prefix }: StudyRef) => {
    const key = `${bucket}/${prefix}`;
    const known = stores.get(key) ?? openThreadedStore({ bucket, prefix });
    stores.set(key, known);
    return known;
  };
  return {
    store,
    checkpoints: (study) => openCheckpoints(store(study)),
    plan: async (study) => {
      const known = plans.get(study.plan) ?? (await readPlan(store(study), study));
      plans.set(study.plan, known);
      return known;
    },
    model: async (plan, id, noise) => {
      const { path } = modelOf(plan, id);
      const { digest } = plan.models[id];
      const key = `${path} ${digest}`;
      const opening = models.get(key) ?? openAsPlanned(path, digest);
      models.set(key, opening);
      // A failure isn't remembered: the file may be back at the next attempt.
      opening.catch(() => models.delete(key));
      const model = await opening;
      return noise === null ? model : jitteredModel(model, noise);
    },
    requireEnvironment: async (plan) => {
      const [here, there] = [await currentEnvironment(), plan.environment].map((e) => JSON.stringify(e));
      if (here === there) return;
      throw new TouchstoneError("ServiceUnavailable", {
        what: `This worker computes with ${here}, the study was planned with ${there}: their results differ in rounding`,
        todo: "Start workers with the same backend and --threads as the first, or start the study under another name.",
      });
    },
    activations: createActivationCache(),
    shelf: createShelf(),
    keeping: createKeeping(),
    compressing: createTurns(),
    evaluating: createTurns(),
    liveReports: createLiveReports(),
    ahead: createAhead(({ solved, inputs }) => {
      disposeShelved(solved.outputs);
      inputs.putBack();
    }),
    blocks: new LRUCache({
      maxSize: BLOCK_BYTES,
      sizeCalculation: (block) => Array.from(block.values()).reduce((sum, { byteLength }) => sum + byteLength, 1),
    }),
  };
}

/** What this process's results depend on. */
export async function currentEnvironment(): Promise<Environment> {
  const { version, threads } = await loadBackend();
  return { numerics: NUMERICS_VERSION, backend: version, threads };
}

/** What a backend of this name computes on. */
export function deviceOf({ backend }: Pick<Environment, "backend">): Device {
  return backend.startsWith("native-gpu") ? "gpu" : "cpu";
}

export function planKey(name: string, plan: string): string {
  return `${plansPrefix(name)}${plan}.json`;
}

/** What the keys of a study's plans begin with. */
export function plansPrefix(name: string): string {
  return `v1/study/${name}/plans/`;
}

async function readPlan(store: ObjectStore, { name, plan }: StudyRef): Promise<StudyPlan> {
  const bytes = await store.read(planKey(name, plan));
  const found = bytes === undefined ? undefined : parsePlan(bytes, plan);
  if (found !== undefined) return found;
  throw new TouchstoneError("CheckpointCorrupt", {
    what: `The study's plan ${bytes === undefined ? "is gone from the store" : "was altered in the store"}`,
    where: planKey(name, plan),
    todo: "Start the study again: it is planned anew, and what is done is found.",
  });
}

/** undefined where it isn't the plan of this identity. */
export function parsePlan(bytes: Uint8Array, digest: string): StudyPlan | undefined {
  try {
    const plan = JSON.parse(new TextDecoder().decode(bytes)) as StudyPlan;
    return identity(plan) === digest ? plan : undefined;
  } catch {
    return undefined;
  }
}

async function openAsPlanned(path: string, digest: string): Promise<Model> {
  const model = await loadModel(path);
  if (model.digest === digest) return model;
  await model.close();
  throw new TouchstoneError("InvalidModel", {
    what: "The model has changed since the study was planned",
    where: path,
    todo: "Start the study again: it is planned anew with the present files.",
  });
}

/** Most of what is held rests on the disk: a fourth of what is free there when the process begins, or what memory always has room for. */
function heldBytes(): number {
  const least = 2 ** 30;
  try {
    const { bavail, bsize } = statfsSync(homePath());
    return Math.max(least, Math.floor((bavail * bsize) / 4));
  } catch {
    return least; // There is no home yet.
  }
}

function createActivationCache(): ActivationCache {
  const cache = new LRUCache<string, { activations: Activations; store?: () => Promise<void> }>({
    maxSize: heldBytes(),
    sizeCalculation: ({ activations }) => activations.reduce((sum, { bytes }) => sum + bytes, 1),
    dispose: ({ activations }, _key, reason) => {
      if (reason !== "delete") disposeShelved(activations);
    },
  });
  return {
    put: (key, activations, store) => {
      cache.set(key, { activations, store });
      // More than the whole cache may hold isn't taken in.
      if (!cache.has(key)) disposeShelved(activations);
    },
    take: (key) => {
      const found = cache.get(key)?.activations;
      cache.delete(key);
      return found;
    },
    share: (key) => cache.get(key)?.activations.map((chunk) => chunk.share()),
    storeAll: async () => {
      await Promise.allSettled(Array.from(cache.values(), ({ store }) => store?.()));
    },
  };
}
