import * as tf from "@tensorflow/tfjs-core";
import { chunkSequences, disposeAll, embedChunks, toTensors, walkBlocks } from "../models/forward.js";
import type { Model, ModelConfig } from "../models/model.js";
import { finish } from "./machine.js";
import type { BenchPart } from "./part.js";
import { secondsSince, timedReads } from "./timing.js";

interface ForwardFigures {
  sequences: number;
  length: number;
  seconds: number;
  /** Of them: reading and dequantizing the weights, once a pass. */
  reading: number;
  tokensPerSecond: number;
  /** Without reading. */
  gflops: number;
  /** Of the matrix product's limit. */
  share: number;
}

const SHAPES = [
  { sequences: 8, length: 256 },
  { sequences: 1, length: 2048 },
] as const;
const RUNS = 2;

/** A whole pass: embedding, all blocks, and the logits of every token. */
export const forwardPart: BenchPart<ForwardFigures[]> = {
  title: "forward pass",
  usualSeconds: 25,
  measure: async ({ model, calibration, machine }) => {
    const measured: ForwardFigures[] = [];
    for (const { sequences, length } of SHAPES) {
      const tokens = cut(calibration, sequences, length);
      const runs: { seconds: number; reading: number }[] = [];
      for (let run = 0; run < RUNS; run++) runs.push(await pass(model, tokens));
      const [{ seconds, reading }] = runs.sort((a, b) => a.seconds - b.seconds);
      const gflops = (sequences * length * operationsPerToken(model.config, length)) / (seconds - reading) / 1e9;
      measured.push({
        ...{ sequences, length, seconds, reading },
        tokensPerSecond: (sequences * length) / seconds,
        ...{ gflops, share: gflops / machine.gflops },
      });
    }
    return measured;
  },
  show: (measured) => ({
    head: ["[sequences, tokens]", "tokens/s", "seconds", "reading", "GFLOP/s", "of the limit"],
    rows: measured.map(({ sequences, length, seconds, reading, tokensPerSecond, gflops, share }) => [
      `[${sequences}, ${length}]`,
      tokensPerSecond.toFixed(0),
      seconds.toFixed(2),
      reading.toFixed(2),
      gflops.toFixed(1),
      `${(100 * share).toFixed(0)} %`,
    ]),
    notes: [
      "embedding, all blocks, logits of all tokens; reading is dequantizing the weights, once a pass; GFLOP/s is without it",
    ],
  }),
};

async function pass(model: Model, sequences: readonly Int32Array[]): Promise<{ seconds: number; reading: number }> {
  const timed = timedReads(model);
  const started = performance.now();
  const hidden = await walkBlocks(timed.model, await embedChunks(timed.model, chunkSequences(sequences)));
  const head = toTensors(await timed.model.head());
  for (const chunk of hidden) {
    for (const sequence of tf.unstack(chunk) as tf.Tensor2D[]) {
      finish(tf.tidy(() => model.architecture.logits(model.config, sequence, head)));
      sequence.dispose();
    }
    chunk.dispose();
  }
  disposeAll(head);
  return { seconds: secondsSince(started), reading: timed.seconds() };
}

/** A multiplication and an addition a weight of the linears and the head, and attention over whole sequences. */
function operationsPerToken(config: ModelConfig, length: number): number {
  const { hiddenSize, intermediateSize, attentionHeads, keyValueHeads, headDim, blocks, vocabSize } = config;
  const attention = 2 * hiddenSize * headDim * (attentionHeads + keyValueHeads);
  const scores = 2 * length * attentionHeads * headDim;
  return 2 * (blocks * (attention + 3 * hiddenSize * intermediateSize + scores) + hiddenSize * vocabSize);
}

/** The calibration tokens in another shape. */
function cut(calibration: readonly Int32Array[], sequences: number, length: number): Int32Array[] {
  const stream = calibration.flatMap((ids) => Array.from(ids));
  return Array.from({ length: sequences }, (_, i) => Int32Array.from(stream.slice(i * length, (i + 1) * length)));
}
