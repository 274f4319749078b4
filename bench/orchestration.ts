import type { BenchPart } from "./part.js";
import { withScratchStore } from "./scratch-store.js";
import { runStudy, type StudyRun } from "./study-run.js";
import { withWorker } from "./worker.js";

interface OrchestrationFigures {
  /** Cells at a time. */
  cells: number;
  /** From the first block that is asked for to the last that is stored. */
  wallSeconds: number;
  /** Reading, capture, solving, forward: what `touchstone compress` does too; and an evaluation meanwhile, of a cell that is ahead. */
  computeSeconds: number;
  /** Of the wall: orchestration and checkpoints. */
  share: number;
  /** The same, a block on average. */
  blockMs: number;
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
        return [describe(1, one, one), describe(2, two, one)];
      }),
    ),
  show: (measured) => ({
    head: ["cells at a time", "seconds", "computing", "all else", "ms a block"],
    rows: measured.map(({ cells, wallSeconds, computeSeconds, share, blockMs }) => [
      String(cells),
      wallSeconds.toFixed(1),
      computeSeconds.toFixed(1),
      `${(100 * share).toFixed(1)} %`,
      blockMs.toFixed(0),
    ]),
    notes: [
      "from the first block that is asked for to the last one stored; all else must stay under 5 %",
      "queues and storing count where the process waits for them: with one cell it computes the next block meanwhile, with two the other's",
    ],
  }),
};

/** @param alone a run where no step waits for another's computing: what reading and evaluating take by themselves */
function describe(cells: number, { steps, blocks, evaluations }: StudyRun, alone: StudyRun): OrchestrationFigures {
  const all = steps.flat();
  const from = Math.min(...all.map(({ scheduled }) => scheduled));
  const to = Math.max(...all.map(({ completed }) => completed));
  const wallSeconds = (to - from) / 1000;
  const solving = sum(blocks.map(({ capture, solve, forward }) => capture + solve + forward));
  const reading = blocks.length * mean(alone.blocks.map(({ read }) => read));
  const evaluated = evaluations.filter(({ completed }) => completed <= to).length;
  const computeSeconds = solving + reading + evaluated * Math.min(...alone.evaluationSeconds);
  const elseSeconds = wallSeconds - computeSeconds;
  return {
    ...{ cells, wallSeconds, computeSeconds, share: elseSeconds / wallSeconds },
    blockMs: (1000 * elseSeconds) / all.length,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
