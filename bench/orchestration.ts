import { type BlockOverhead, blockOverhead } from "./overhead.js";
import type { BenchPart } from "./part.js";
import { withScratchStore } from "./scratch-store.js";
import { storePart } from "./store.js";
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

interface Figures {
  measured: OrchestrationFigures[];
  large: BlockOverhead;
}

/**
 * GPTQ on 16 x 256 tokens as a study, one cell and then two at a time, through Temporal, a worker and the store; and what follows
 * for a block of LLaMA-7B.
 */
export const orchestrationPart: BenchPart<Figures> = {
  title: "orchestration and checkpoints of a study",
  usualSeconds: 190,
  measure: async (context) => {
    const measured = await measureStudies(context.model.path);
    const { commitMegabytesPerSecond } = await storePart.measure(context);
    const large = blockOverhead(context.machine, measured[0].blockMs / 1000, 1e6 * commitMegabytesPerSecond);
    return { measured, large };
  },
  show: ({ measured, large }) => ({
    head: ["cells at a time", "seconds", "computing", "all else", "ms a block"],
    rows: [
      ...measured.map(({ cells, wallSeconds, computeSeconds, share, blockMs }) => [
        String(cells),
        ...shown(wallSeconds, computeSeconds, share),
        blockMs.toFixed(0),
      ]),
      [
        `a block of ${large.model}, computed`,
        ...shown(large.computeSeconds + large.elseSeconds, large.computeSeconds, large.share),
        (1000 * large.elseSeconds).toFixed(0),
      ],
    ],
    notes: [
      "from the first block that is asked for to the last one stored; all else must stay under 5 %",
      "queues and storing count where the process waits for them: with one cell it computes the next block meanwhile, with two the other's",
      `${large.model}: at most, with GPTQ on 128 x 2,048 tokens, as if all computing ran at the fastest product's rate here and`,
      `nothing were stored meanwhile; so reckoned it is 5 % where products reach ${large.limitGflops.toFixed(0)} GFLOP/s`,
    ],
  }),
};

function shown(seconds: number, computeSeconds: number, share: number): string[] {
  return [seconds.toFixed(1), computeSeconds.toFixed(1), `${(100 * share).toFixed(1)} %`];
}

function measureStudies(path: string): Promise<OrchestrationFigures[]> {
  return withScratchStore((store) =>
    withWorker(async () => {
      const one = await runStudy(store, path, { sets: 1, done: 0, cells: 1 });
      // What the first study has compressed is found: two sets are left, and go side by side.
      const two = await runStudy(store, path, { sets: 3, done: 1, cells: 2 });
      return [describe(1, one, one), describe(2, two, one)];
    }),
  );
}

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
