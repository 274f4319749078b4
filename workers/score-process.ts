import type { Sequence } from "../evaluation/requests.js";
import { scoreSequences } from "../evaluation/score.js";
import type { SequenceScore } from "../evaluation/sequence-score.js";
import { loadModel } from "../models/load.js";
import { loadBackend } from "../tensor/backend.js";
import type { StepFailure } from "./protocol.js";
import { asFailure } from "./step-errors.js";

/** Entry of a process that scores a share of the requests with one TensorFlow of its own. */

export interface ScoreWork {
  /** The model's path. */
  model: string;
  sequences: readonly Sequence[];
  /** Bytes. */
  memory: number;
}

export type ScoreAnswer =
  | { kind: "progress"; done: number; total: number }
  | { kind: "done"; scores: SequenceScore[]; processorSeconds: number }
  | { kind: "failed"; failure: StepFailure };

const send = (answer: ScoreAnswer) => process.send?.(answer);

process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));
process.once("message", ({ model: path, sequences, memory }: ScoreWork) => {
  void run(path, sequences, memory);
});

async function run(path: string, sequences: readonly Sequence[], memory: number): Promise<void> {
  try {
    await loadBackend();
    const model = await loadModel(path);
    const onProgress = (done: number, total: number) => send({ kind: "progress", done, total });
    const scores = await scoreSequences(model, sequences, { memory, onProgress });
    const { user, system } = process.cpuUsage();
    send({ kind: "done", scores, processorSeconds: (user + system) / 1e6 });
    await model.close();
  } catch (error) {
    send({ kind: "failed", failure: asFailure(error) });
  }
}
