import { median } from "simple-statistics";
import { factorise } from "../compression/factorisation.js";
import type { Visits } from "../compression/method.js";
import { methodOf } from "../compression/registry.js";
import type { MethodSettings } from "../study/methods.js";
import { randomSolveLayer, type SolveLayer, statisticsOf } from "./solve-layer.js";
import { secondsSince } from "./timing.js";

/** A method's time on one layer. */
export interface SolveTime {
  seconds: number;
  /** Of all threads, on average. */
  processorSeconds: number;
  /** Of the seconds, the factorisation of the second moment; null for methods without one. */
  factorise: number | null;
  weight: Float32Array;
}

/** Small, so that what is loaded and compiled at first use takes no part in the times. */
const WARM_UP = { rows: 64, columns: 128 };

/** Times methods on one layer: the median of some runs. The factorisation is timed by itself, once for all methods. */
export function solveTimer(
  given: SolveLayer,
  repeats: number,
  visits?: Visits,
): (settings: MethodSettings) => Promise<SolveTime> {
  let known: number | null = null;
  return async (settings) => {
    await solve(randomSolveLayer(WARM_UP.rows, WARM_UP.columns), settings, visits);
    const runs: number[] = [];
    let weight = given.layer.weight;
    const before = process.cpuUsage();
    for (let run = 0; run < repeats; run++) {
      const started = performance.now();
      weight = await solve(given, settings, visits);
      runs.push(secondsSince(started));
    }
    const { user, system } = process.cpuUsage(before);
    const processorSeconds = (user + system) / 1e6 / repeats;
    const factorises = methodOf(settings.method).statistics === "secondMoment";
    if (factorises) known ??= await timeFactorisation(given, repeats);
    return { seconds: median(runs), processorSeconds, factorise: factorises ? known : null, weight };
  };
}

/** The method alone: neither the check of the weights nor the error of the layer is part of it. */
async function solve(given: SolveLayer, settings: MethodSettings, visits: Visits | undefined): Promise<Float32Array> {
  const { statistics, compress } = methodOf(settings.method);
  const [{ weight }] = await compress([given.layer], statisticsOf(given, statistics), settings, visits);
  return weight;
}

/** Damping and order of the columns make no difference to it. */
async function timeFactorisation({ layer, hessian }: SolveLayer, repeats: number): Promise<number> {
  const runs: number[] = [];
  for (let run = 0; run < repeats; run++) {
    const started = performance.now();
    await factorise(hessian, layer.columns, { damping: 0.01, descending: false, dead: "fixedFirst" }, layer.name);
    runs.push(secondsSince(started));
  }
  return median(runs);
}
