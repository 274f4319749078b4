import type { Progress } from "../infra/progress.js";
import { modelIsInstalled, modelPath } from "../infra/quickstart-data.js";
import { loadModel } from "../models/load.js";
import { TouchstoneError } from "../study/errors.js";
import { nearest } from "../study/parse.js";
import { compressPart } from "./compress.js";
import { evaluatePart } from "./evaluate.js";
import { forecastPart } from "./forecast.js";
import { forwardPart } from "./forward.js";
import { type Machine, measureMachine, showMachine } from "./machine.js";
import { noisePart } from "./noise.js";
import { orchestrationPart } from "./orchestration.js";
import type { BenchContext, BenchPart } from "./part.js";
import { calibrationTokens } from "./reference.js";
import { storePart } from "./store.js";
import { type BenchTable, renderBenchTable } from "./table.js";
import { workersPart } from "./workers.js";

/** Every part of the benchmark: one file and one line. */
const parts: Readonly<Record<string, Runnable>> = {
  forward: runnable(forwardPart),
  compress: runnable(compressPart),
  evaluate: runnable(evaluatePart),
  store: runnable(storePart),
  orchestration: runnable(orchestrationPart),
  noise: runnable(noisePart),
  workers: runnable(workersPart),
  forecast: runnable(forecastPart),
};

export const partNames = Object.keys(parts);
/** Without what takes long and says nothing about the speed of computing. */
export const defaultParts = partNames.filter((name) => !["noise", "workers", "forecast"].includes(name));

export interface BenchResults {
  model: string;
  machine: Machine;
  /** By the part's name. */
  parts: Readonly<Record<string, unknown>>;
}

/** @throws TouchstoneError InvalidSettings for a name that no part has */
export function checkPartNames(names: readonly string[]): void {
  const unknown = names.find((name) => !partNames.includes(name));
  if (unknown === undefined) return;
  throw new TouchstoneError("InvalidSettings", {
    what: `There is no part "${unknown}" of the benchmark${nearest(unknown, partNames)}`,
    where: "--only",
    todo: `Parts are: ${partNames.join(", ")}.`,
  });
}

/**
 * Measures the hardware and then the given parts, on the quickstart's model.
 * @param show given each part's table, as text, as soon as it is measured
 * @throws TouchstoneError SetupIncomplete where the model isn't there; what the parts throw
 */
export async function runBench(
  names: readonly string[],
  progress: Progress,
  show: (text: string) => void,
): Promise<BenchResults> {
  checkPartNames(names);
  if (!(await modelIsInstalled())) {
    throw new TouchstoneError("SetupIncomplete", {
      what: "The quickstart's model is not installed",
      where: modelPath(),
      todo: "Run `npm run setup`.",
    });
  }
  const model = await loadModel(modelPath());
  try {
    const machine = await progress.step("measuring the hardware", () => measureMachine(model.config), {
      usualSeconds: 8,
    });
    show(renderBenchTable("hardware", showMachine(machine)));
    const context = { model, machine, calibration: await calibrationTokens(model) };
    const measured: Record<string, unknown> = {};
    for (const name of names) {
      const { title, usualSeconds, run } = parts[name];
      const { result, table } = await progress.step(`measuring ${title}`, () => run(context), { usualSeconds });
      measured[name] = result;
      show(renderBenchTable(title, table));
    }
    return { model: model.path, machine, parts: measured };
  } finally {
    await model.close();
  }
}

/** A part without the type of its result, so that all stand in one table. */
interface Runnable {
  title: string;
  usualSeconds: number;
  run(context: BenchContext): Promise<{ result: unknown; table: BenchTable }>;
}

function runnable<Result>({ title, usualSeconds, measure, show }: BenchPart<Result>): Runnable {
  return {
    ...{ title, usualSeconds },
    run: async (context) => {
      const result = await measure(context);
      return { result, table: show(result) };
    },
  };
}
