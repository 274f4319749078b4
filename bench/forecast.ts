import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measuredModel } from "../client/forecast/measured.js";
import { studyFacts } from "../client/study-facts.js";
import { forecastStudy, type StudyForecast } from "../study/forecast.js";
import type { StudySpec } from "../study/spec.js";
import { restingMemory } from "../tensor/shelf.js";
import { startWorkProcess } from "../workers/work-process.js";
import { type ForecastCase, forecastCases, specOf } from "./forecast-cases.js";
import type { RunFacts } from "./forecast-run.js";
import type { BenchPart } from "./part.js";
import { writeRandomModel } from "./random-model.js";

interface ForecastFigures {
  runs: readonly ComparedRun[];
  /** Mean of the times' errors, as a share of what the runs took. */
  meanTimeError: number;
  /** The most that a run took of memory above its forecast, as a share of what it took; 0: none did. */
  worstMemoryUnderestimate: number;
}

export interface ComparedRun {
  title: string;
  forecast: Pick<StudyForecast, "seconds" | "memory" | "traffic">;
  fact: RunFacts;
}

/** Small studies, each forecast from one block and then computed, in processes like a worker's. */
export const forecastPart: BenchPart<ForecastFigures> = {
  title: "forecasts of 20 small studies against what they took",
  usualSeconds: 900,
  measure: async ({ model: { path }, machine: { threads } }) => {
    const runs: ComparedRun[] = [];
    for (const each of forecastCases) runs.push(await compareRun(each, path, threads));
    const errors = runs.map(({ forecast, fact }) => Math.abs(forecast.seconds / fact.seconds - 1));
    return {
      runs,
      meanTimeError: errors.reduce((sum, error) => sum + error, 0) / errors.length,
      worstMemoryUnderestimate: Math.max(0, ...runs.map(({ forecast, fact }) => 1 - forecast.memory / fact.peak)),
    };
  },
  show: ({ runs, meanTimeError, worstMemoryUnderestimate }) => ({
    head: ["study", "forecast s", "took s", "error %", "forecast MB", "took MB", "error %", "store MB", "wrote MB"],
    rows: runs.map(({ title, forecast, fact }) => [
      title,
      ...compared(forecast.seconds, fact.seconds, 1),
      ...compared(forecast.memory / 1e6, fact.peak / 1e6, 0),
      (forecast.traffic.written / 1e6).toFixed(1),
      (fact.written / 1e6).toFixed(1),
    ]),
    notes: [
      `time: ${(100 * meanTimeError).toFixed(1)} % off on average; the goal is 15`,
      `memory: at most ${(100 * worstMemoryUnderestimate).toFixed(1)} % under; the goal is 5`,
      "one process computes, with what a worker's have; the dense model's evaluation is part of each",
    ],
  }),
};

/** @param path of the quickstart's model */
export async function compareRun(one: ForecastCase, path: string, threads: number): Promise<ComparedRun> {
  const folder = await mkdtemp(join(tmpdir(), "touchstone-forecast-"));
  try {
    const model = one.shape === null ? path : join(folder, "model");
    if (one.shape !== null) await writeRandomModel(path, one.shape, model);
    const spec = specOf(one, model);
    const { facts } = await studyFacts(spec);
    const measured = { model: await measuredModel(spec, "model", threads) };
    const forecast = forecastStudy(spec, facts.models, measured, { slots: 1, resting: restingMemory() });
    return { title: one.title, forecast, fact: await run(spec, threads) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(spec: StudySpec, threads: number): Promise<RunFacts> {
  const program = new URL("./forecast-run.js", import.meta.url);
  const running = startWorkProcess<StudySpec, RunFacts>(program, threads, {
    what: "The run ended",
    todo: "It may have taken more memory than there is.",
  });
  try {
    return await running.run(spec);
  } finally {
    running.kill();
  }
}

function compared(forecast: number, fact: number, digits: number): string[] {
  return [forecast.toFixed(digits), fact.toFixed(digits), (100 * (forecast / fact - 1)).toFixed(0)];
}
