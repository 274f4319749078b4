import { statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Progress } from "../../infra/progress.js";
import { status } from "../../infra/services.js";
import { homePath } from "../../storage/home.js";
import { identity } from "../../storage/identity.js";
import { readLocalRecord, replaceLocalRecord } from "../../storage/local-record.js";
import { machineMemory } from "../../storage/machine-memory.js";
import { type Capacity, moneyOf, type Prices, refusals } from "../../study/capacity.js";
import { forecastStudy, type StudyForecast } from "../../study/forecast.js";
import type { ModelSize } from "../../study/known-sizes.js";
import type { MeasuredModel } from "../../study/rates.js";
import { lastingSpec, type StudySpec } from "../../study/spec.js";
import { restingMemory } from "../../tensor/shelf.js";
import { measuredModel } from "./measured.js";

/** The workers that a study is to run on: of this machine, all alike. */
export interface Workers {
  /** Compute processes. */
  slots: number;
  /** Of each of them; by default the cores divided among the slots. */
  threads?: number;
}

export interface Forecast extends StudyForecast {
  workers: Required<Workers>;
  money: number | null;
  /** Why it doesn't fit, with the setting to change; none: it does. */
  refused: string[];
}

/** Of the machine's memory, what a worker gives its compute processes. */
const MEMORY_SHARE = 0.9;

/**
 * Measures each of a study's models on one block, and says what the study takes on this machine.
 * @throws TouchstoneError as `measuredModel`
 */
export async function forecastOf(
  spec: StudySpec,
  sizes: Readonly<Record<string, ModelSize>>,
  { slots, threads = Math.max(1, Math.floor(availableParallelism() / slots)) }: Workers,
  prices: Prices,
  progress: Progress,
): Promise<Forecast> {
  const measured: Record<string, MeasuredModel> = {};
  for (const { id } of spec.models)
    measured[id] = await progress.step(`measuring ${id} on one block`, () => measuredModel(spec, id, threads));
  const place = { slots, resting: restingMemory() };
  const forecast = forecastStudy(spec, sizes, measured, place);
  const free = await freeInHome();
  const disk = (await storeIsHere()) ? free : undefined;
  const capacity: Capacity = { ...place, memory: MEMORY_SHARE * machineMemory(), scratch: free, disk };
  const found = {
    ...forecast,
    workers: { slots, threads },
    money: moneyOf(forecast, prices),
    refused: refusals(spec, forecast, capacity),
  };
  await replaceLocalRecord(recordPath(spec), found).catch(() => undefined);
  return found;
}

/** What was forecast for a study on this machine the last time; undefined where nothing was. */
export function rememberedForecast(spec: StudySpec): Promise<Forecast | undefined> {
  return readLocalRecord<Forecast>(recordPath(spec));
}

function recordPath(spec: StudySpec): string {
  return homePath("cache", "forecasts", `${spec.name}-${identity(lastingSpec(spec)).slice(0, 16)}.json`);
}

/** Whether the store that `touchstone up` starts is the study's: its disk is that of the home. */
async function storeIsHere(): Promise<boolean> {
  return (await status()).find(({ name }) => name === "store")?.state !== "configured";
}

/** Bytes; undefined while there is no home. */
async function freeInHome(): Promise<number | undefined> {
  const found = await statfs(homePath()).catch(() => undefined);
  return found === undefined ? undefined : found.bavail * found.bsize;
}
