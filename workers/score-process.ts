import type { Sequence } from "../evaluation/requests.js";
import { scoreSequences } from "../evaluation/score.js";
import type { SequenceScore } from "../evaluation/sequence-score.js";
import { loadModel } from "../models/load.js";
import { loadBackend } from "../tensor/backend.js";
import { serveWork } from "./serve-work.js";

/** Entry of a process that scores a share of the requests with one TensorFlow of its own. */

export interface ScoreWork {
  /** The model's path. */
  model: string;
  sequences: readonly Sequence[];
  /** Bytes. */
  memory: number;
}

export interface Scored {
  scores: SequenceScore[];
  processorSeconds: number;
}

export interface ScoreProgress {
  done: number;
  total: number;
}

await serveWork<ScoreWork, Scored, ScoreProgress>(async ({ model: path, sequences, memory }, tell) => {
  await loadBackend();
  const model = await loadModel(path);
  try {
    const scores = await scoreSequences(model, sequences, {
      memory,
      onProgress: (done, total) => tell({ done, total }),
    });
    const { user, system } = process.cpuUsage();
    return { scores, processorSeconds: (user + system) / 1e6 };
  } finally {
    await model.close();
  }
});
process.exit(0);
