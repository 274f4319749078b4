import { runningProcess, stopProcess } from "../infra/processes.js";
import { up } from "../infra/services.js";
import { taskQueues } from "../study/names.js";
import type { BenchPart } from "./part.js";
import { withScratchStore } from "./scratch-store.js";
import { runStudy, type StudyRun } from "./study-run.js";

interface OrchestrationFigures {
  /** Cells at a time. */
  cells: number;
  /** From the first block that is asked for to the last that is stored. */
  wallSeconds: number;
  /** Reading, capture, solving, forward: what `touchstone compress` does too. */
  computeSeconds: number;
  /** Of the wall: orchestration and checkpoints. */
  share: number;
  /** A block on average: until a worker begins with it, and until the workflow asks for the next. */
  queueMs: number;
  /** A block on average: in its step, but not computing it. */
  stepMs: number;
}

/** GPTQ on 16 x 256 tokens as a study, one cell and then two at a time, through Temporal, a worker and the store. */
export const orchestrationPart: BenchPart<OrchestrationFigures[]> = {
  title: "orchestration and checkpoints of a study",
  usualSeconds: 180,
  measure: ({ model }) =>
    withScratchStore((store) =>
      withWorker(async () => {
        const one = await runStudy(store, model.path, { sets: 1, done: 0, cells: 1 });
        // What the first study has compressed is found: two sets are left, and go side by side.
        const two = await runStudy(store, model.path, { sets: 3, done: 1, cells: 2 });
        const readSeconds = sum(Array.from(one.blocks.values(), ({ read }) => read));
        return [describe(1, one, readSeconds), describe(2, two, 2 * readSeconds)];
      }),
    ),
  show: (measured) => ({
    head: ["cells at a time", "seconds", "computing", "all else", "ms a block: in queues", "in steps, not computing"],
    rows: measured.map(({ cells, wallSeconds, computeSeconds, share, queueMs, stepMs }) => [
      String(cells),
      wallSeconds.toFixed(1),
      computeSeconds.toFixed(1),
      `${(100 * share).toFixed(1)} %`,
      queueMs.toFixed(0),
      stepMs.toFixed(0),
    ]),
    notes: [
      "from the first block that is asked for to the last one stored; all else must stay under 5 %",
      "with two cells one computes while the other stores; then waiting for the other's computing counts as in steps",
    ],
  }),
};

/** A worker with one compute process, unless there is a worker; what was started is ended. */
async function withWorker<T>(work: () => Promise<T>): Promise<T> {
  const found = await runningProcess("worker");
  await up({ worker: { taskQueue: taskQueues.orchestration, slots: 1 } });
  try {
    return await work();
  } finally {
    if (found === undefined) await stopProcess("worker");
  }
}

/** @param readSeconds of all blocks, measured where no step waits for another's computing */
function describe(cells: number, { steps, blocks }: StudyRun, readSeconds: number): OrchestrationFigures {
  const all = steps.flat();
  const from = Math.min(...all.map(({ scheduled }) => scheduled));
  const to = Math.max(...all.map(({ completed }) => completed));
  const wallSeconds = (to - from) / 1000;
  const solving = sum(Array.from(blocks.values(), ({ capture, solve, forward }) => capture + solve + forward));
  const computeSeconds = solving + readSeconds;
  const inSteps = sum(all.map(({ started, completed }) => (completed - started) / 1000));
  const inCells = sum(steps.map((own) => (own[own.length - 1].completed - own[0].scheduled) / 1000));
  return {
    ...{ cells, wallSeconds, computeSeconds, share: (wallSeconds - computeSeconds) / wallSeconds },
    queueMs: (1000 * (inCells - inSteps)) / all.length,
    stepMs: (1000 * (inSteps - computeSeconds)) / all.length,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
