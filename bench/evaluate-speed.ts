import { blockLinears } from "../compression/linears.js";
import { evaluateTasks, type TaskWithRecords } from "../evaluation/evaluate.js";
import { type Prediction, packSequences } from "../evaluation/packing.js";
import { readTaskRecords } from "../evaluation/records.js";
import { taskNamed } from "../evaluation/registry.js";
import type { Sequence } from "../evaluation/requests.js";
import { ROW_TOKENS } from "../evaluation/score.js";
import type { Progress } from "../infra/progress.js";
import { modelPath } from "../infra/quickstart-data.js";
import { loadModel } from "../models/load.js";
import type { Model } from "../models/model.js";
import { toNumber } from "../study/figures.js";
import { scoringIn } from "../workers/score-processes.js";
import { withDenseFolder } from "./dense-folder.js";
import { checkHarness, type HarnessFigures, runHarness } from "./harness.js";
import { type Machine, measureMachine, showMachine } from "./machine.js";
import { type BenchTable, renderBenchTable } from "./table.js";
import { secondsSince } from "./timing.js";

export const speedTasks = ["arc_easy", "arc_challenge", "openbookqa", "piqa", "winogrande"] as const;

/** The harness's batch size, as its users have it on such models. */
const BATCH_SIZE = 8;

export interface EvaluateSpeedOptions {
  /** Folder with the tasks' records, JSON Lines. */
  data: string;
  limit: number | null;
  /** Processes that score, each with its share of the cores. */
  processes: number;
  /** One that has lm_eval and transformers. */
  python?: string;
}

interface OwnFigures {
  processes: number;
  requests: number;
  /** From the records to the accuracies: tokenizing and reading all weights included. */
  seconds: number;
  processorSeconds: number;
  /** Tokens that had to go through the blocks, and rows of logits. */
  tokens: number;
  logits: number;
  /** Additions and multiplications of the linears and the head for these, a second. */
  gflops: number;
  results: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface EvaluateSpeed {
  machine: Machine;
  own: OwnFigures;
  harness?: HarnessFigures;
}

/**
 * Requests a second on real records, beside lm-evaluation-harness where a Python is given: the same records, weights, threads
 * and float32, one after the other.
 * @throws TouchstoneError InvalidData for missing records, SetupIncomplete for a Python that lacks something
 */
export async function benchEvaluate(
  { data, limit, processes, python }: EvaluateSpeedOptions,
  progress: Progress,
  show: (text: string) => void,
): Promise<EvaluateSpeed> {
  if (python !== undefined) await checkHarness(python);
  const tasks = await Promise.all(
    speedTasks.map(async (name) => ({ task: taskNamed(name), data: await readTaskRecords(data, taskNamed(name)) })),
  );
  const model = await loadModel(modelPath());
  try {
    const machine = await progress.step("measuring the hardware", () => measureMachine(model.config), {
      usualSeconds: 8,
    });
    show(renderBenchTable("hardware", showMachine(machine)));
    const own = await progress.step("evaluating", (report) => measureOwn(model, tasks, { limit, processes }, report), {
      ...{ usualSeconds: 90, unit: "tokens" },
    });
    const harness =
      python === undefined
        ? undefined
        : await progress.step(
            "evaluating with lm-evaluation-harness",
            () => measureHarness(model, python, tasks, limit, machine.threads),
            { usualSeconds: 300 },
          );
    const result = { machine, own, harness };
    show(renderBenchTable("evaluation", showSpeed(result)));
    return result;
  } finally {
    await model.close();
  }
}

async function measureOwn(
  model: Model,
  tasks: readonly TaskWithRecords[],
  { limit, processes }: Pick<EvaluateSpeedOptions, "limit" | "processes">,
  report: (done: number, total: number) => void,
): Promise<OwnFigures> {
  let others = 0;
  let needed = { tokens: 0, logits: 0 };
  const { score } = scoringIn(processes, (processorSeconds) => {
    others += processorSeconds;
  });
  const started = performance.now();
  const began = process.cpuUsage();
  const scored = await evaluateTasks(model, await model.tokenizer(), tasks, {
    ...{ limit, addBos: "auto", onProgress: report },
    score: (of, sequences, options) => {
      needed = neededFor(sequences);
      return score(of, sequences, options);
    },
  });
  const seconds = secondsSince(started);
  const { user, system } = process.cpuUsage(began);
  return {
    requests: scored.reduce((sum, { samples }) => sum + samples.length, 0),
    ...{ processes, seconds, processorSeconds: (user + system) / 1e6 + others, ...needed },
    gflops: operations(model, needed) / seconds / 1e9,
    results: Object.fromEntries(
      scored.map(({ evaluation: { id, metrics } }) => [
        id,
        Object.fromEntries(Object.entries(metrics).map(([metric, figure]) => [metric, toNumber(figure) ?? Number.NaN])),
      ]),
    ),
  };
}

/** Beginnings that sequences share are read once, as far as rows of the usual size go; each place has one row of logits. */
function neededFor(sequences: readonly Sequence[]): { tokens: number; logits: number } {
  const packs = packSequences(sequences, ROW_TOKENS);
  const places = (predictions: readonly Prediction[]) => new Set(predictions.map(({ place }) => place)).size;
  return {
    tokens: packs.reduce((sum, { tokens }) => sum + tokens.length, 0),
    logits: packs.reduce((sum, { predictions }) => sum + places(predictions), 0),
  };
}

function operations(model: Model, { tokens, logits }: { tokens: number; logits: number }): number {
  const { config } = model;
  const linears = Array.from({ length: config.blocks }, (_, index) => blockLinears(model, index)).flat(2);
  const products = linears.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  return 2 * (tokens * products + logits * config.hiddenSize * config.vocabSize);
}

/** On the same weights, which are written to a folder as transformers reads it. */
function measureHarness(
  model: Model,
  python: string,
  tasks: readonly TaskWithRecords[],
  limit: number | null,
  threads: number,
): Promise<HarnessFigures> {
  return withDenseFolder(model, (path) =>
    runHarness(python, {
      ...{ model: path, threads, batchSize: BATCH_SIZE, limit },
      tasks: Object.fromEntries(tasks.map(({ task, data }) => [task.name, { split: task.split, file: data.where }])),
    }),
  );
}

function showSpeed({ machine, own, harness }: EvaluateSpeed): BenchTable {
  const rates = ({
    requests,
    seconds,
    processorSeconds,
  }: Pick<OwnFigures, "requests" | "seconds" | "processorSeconds">) => [
    String(requests),
    seconds.toFixed(1),
    (requests / seconds).toFixed(1),
    (requests / processorSeconds).toFixed(1),
  ];
  const accuracies = ({ results }: Pick<OwnFigures, "results">) =>
    speedTasks.map((task) =>
      Object.values(results[task])
        .map((value) => value.toFixed(3))
        .join(" / "),
    );
  const notes = [
    `${own.tokens} tokens had to be read, ${own.logits} rows of logits made: ${own.gflops.toFixed(1)} GFLOP/s, ${((100 * own.gflops) / machine.gflops).toFixed(0)} % of the fastest product`,
    `${own.processes} processes share the cores`,
  ];
  if (harness !== undefined) {
    const ratio = own.requests / own.seconds / (harness.requests / harness.seconds);
    notes.push(`${ratio.toFixed(1)} times the harness's rate, its batches of ${BATCH_SIZE}`);
  }
  return {
    head: ["", "requests", "seconds", "requests/s", "requests/core s", ...speedTasks],
    rows: [
      ["Touchstone", ...rates(own), ...accuracies(own)],
      ...(harness === undefined ? [] : [["lm-evaluation-harness", ...rates(harness), ...accuracies(harness)]]),
    ],
    notes: [...notes, "Accuracies: acc / acc_norm"],
  };
}
