import { availableParallelism } from "node:os";
import type { EvaluateOptions } from "../evaluation/evaluate.js";
import { automaticMemory } from "../evaluation/memory.js";
import { packSequences } from "../evaluation/packing.js";
import type { Sequence } from "../evaluation/requests.js";
import { ROW_TOKENS, type ScoreOptions, scoreSequences } from "../evaluation/score.js";
import type { SequenceScore } from "../evaluation/sequence-score.js";
import type { Model } from "../models/model.js";
import type { Scored, ScoreProgress, ScoreWork } from "./score-process.js";
import { startWorkProcess, type WorkProcess } from "./work-process.js";

interface ProcessOptions extends Pick<ScoreOptions, "memory" | "onProgress"> {
  processes: number;
  onUsage(processorSeconds: number): void;
}

/**
 * `scoreSequences` in several processes, each with its share of the sequences, the memory and the cores: operations that are
 * too small for all cores then leave none idle. Results are those of one process with as many threads as each has.
 * @throws TouchstoneError as scoreSequences; ComputeCrashed where a process dies
 */
async function scoreInProcesses(
  { path }: Model,
  sequences: readonly Sequence[],
  { processes, onUsage, memory = automaticMemory(), onProgress = () => {} }: ProcessOptions,
): Promise<SequenceScore[]> {
  const scores = sequences.map((): SequenceScore => ({ loglikelihood: 0, greedy: true }));
  const shares = divide(sequences, processes);
  const told = shares.map(() => ({ done: 0, total: 0 }));
  const threads = Math.max(1, Math.floor(availableParallelism() / processes));
  const children = shares.map(() => start(threads));
  const sum = (of: (each: (typeof told)[number]) => number) => told.reduce((all, each) => all + of(each), 0);
  try {
    await Promise.all(
      shares.map(async (indices, i) => {
        const work = { model: path, sequences: indices.map((index) => sequences[index]), memory: memory / processes };
        const { scores: found, processorSeconds } = await children[i].run(work, (progress) => {
          told[i] = progress;
          // The total is known when all have said theirs.
          if (told.every((each) => each.total > 0))
            onProgress(
              sum(({ done }) => done),
              sum(({ total }) => total),
            );
        });
        onUsage(processorSeconds);
        found.forEach((score, j) => {
          scores[indices[j]] = score;
        });
      }),
    );
  } finally {
    for (const child of children) child.kill();
  }
  return scores;
}

/**
 * Scores in this process where there is one, else in several.
 * @param onUsage told the processor seconds of each other process at its end
 */
export function scoringIn(
  processes: number,
  onUsage: (processorSeconds: number) => void = () => {},
): Required<Pick<EvaluateOptions, "score">> {
  if (processes === 1) return { score: scoreSequences };
  return {
    score: (model, sequences, options) => scoreInProcesses(model, sequences, { ...options, processes, onUsage }),
  };
}

/** Indices of sequences, whole rows, so that each share has about as many tokens as the others. */
function divide(sequences: readonly Sequence[], processes: number): number[][] {
  const shares = Array.from({ length: processes }, () => ({ tokens: 0, indices: [] as number[] }));
  for (const { tokens, predictions } of packSequences(sequences, ROW_TOKENS)) {
    const least = shares.reduce((best, share) => (share.tokens < best.tokens ? share : best));
    least.tokens += tokens.length;
    least.indices.push(...new Set(predictions.map(({ sequence }) => sequence)));
  }
  return shares.map(({ indices }) => indices).filter((indices) => indices.length > 0);
}

function start(threads: number): WorkProcess<ScoreWork, Scored, ScoreProgress> {
  return startWorkProcess(new URL("./score-process.js", import.meta.url), threads, {
    what: "A process that scores ended",
    todo: "Give fewer processes, or more memory.",
  });
}
