import * as tf from "@tensorflow/tfjs-core";
import { compressBlock } from "../compression/compress-block.js";
import { shelfBytes } from "../compression/memory.js";
import { withCompressedBlocks } from "../compression/replace.js";
import { scoreSequences } from "../evaluation/score.js";
import type { Progress } from "../infra/progress.js";
import { chunkSequences, embedEach } from "../models/forward.js";
import type { Model } from "../models/model.js";
import type { ActivationDtype } from "../study/activation-dtype.js";
import type { MethodSettings } from "../study/methods.js";
import { loadBackend } from "../tensor/backend.js";
import { createShelf, disposeShelved, type Shelf, type Shelved, shelveAll } from "../tensor/shelf.js";
import { measureMachine } from "./machine.js";
import { LLAMA_7B, type LlamaShape, randomModel, randomRecords, randomTokens } from "./random-llama.js";
import { secondsSince } from "./timing.js";

export interface LargeOptions {
  methods: readonly MethodSettings[];
  blocks: number;
  sequences: number;
  /** Tokens a sequence. */
  length: number;
  /** Of hidden states at rest. */
  activationDtype: ActivationDtype;
  /** Bytes that compressing may take. */
  memory: number;
  /** Of 4 choices each, scored with the compressed blocks. */
  records: number;
}

export interface LargeFigures {
  methods: readonly {
    method: string;
    /** Of a block, the mean of those that were compressed. */
    seconds: { read: number; capture: number; solve: number; forward: number };
    /** Scoring with the compressed blocks, all requests. */
    evaluate: number;
    /** Bytes: the most that the process had until then. */
    peak: number;
  }[];
  tokens: number;
  /** This machine's fastest product of matrices of such a model. */
  gflops: number;
}

type BlockSeconds = LargeFigures["methods"][number]["seconds"];

/**
 * Compresses the first blocks of a model of LLaMA-7B's shape, whose weights are random and made a block at a time, on sequences of
 * random tokens, and scores with them. For a process of its own.
 */
export async function benchLarge(options: LargeOptions, progress: Progress): Promise<LargeFigures> {
  await loadBackend();
  const { blocks, sequences, length, memory, records } = options;
  const model = randomModel(LLAMA_7B, blocks);
  const measured: LargeFigures["methods"][number][] = [];
  for (const settings of options.methods) {
    const { seconds, linears } = await progress.step(
      `compressing ${blocks} blocks with ${settings.method}`,
      (report) => compressBlocks(model, settings, options, report),
      { unit: "blocks" },
    );
    const compressed = withCompressedBlocks(model, (index) => readLinears(linears[index]));
    const evaluate = await progress.step("scoring with them", async () => {
      const started = performance.now();
      await scoreSequences(compressed, randomRecords(records), { memory });
      return secondsSince(started);
    });
    for (const block of linears) disposeShelved(block.values());
    // Kibibytes.
    const peak = process.resourceUsage().maxRSS * 1024;
    measured.push({ method: settings.method, seconds, evaluate, peak });
  }
  const { gflops } = await progress.step("measuring the hardware", () => measureMachine(model.config));
  return { methods: measured, tokens: sequences * length, gflops };
}

/** The compressed linears lie on the disk, as a study's lie in its store. */
async function compressBlocks(
  model: Model,
  settings: MethodSettings,
  { sequences, length, activationDtype, memory }: LargeOptions,
  report: (done: number, total: number) => void,
): Promise<{ seconds: BlockSeconds; linears: Map<string, Shelved>[] }> {
  const [states, disk] = [createShelf(shelfBytes(model, memory)).as(activationDtype), createShelf(0)];
  const tokens = Array.from({ length: sequences }, (_, row) => randomTokens(row, length));
  let hidden = await shelveAll(embedEach(model, chunkSequences(tokens)), states);
  const { blocks } = model.config;
  const total: BlockSeconds = { read: 0, capture: 0, solve: 0, forward: 0 };
  const linears: Map<string, Shelved>[] = [];
  for (let index = 0; index < blocks; index++) {
    const { outputs, seconds, stored } = await compressOne(model, index, hidden, settings, { states, disk });
    disposeShelved(hidden);
    hidden = outputs;
    for (const [phase, spent] of Object.entries(seconds)) total[phase as keyof BlockSeconds] += spent / blocks;
    linears.push(stored);
    report(index + 1, blocks);
  }
  disposeShelved(hidden);
  return { seconds: total, linears };
}

/** A function of its own: what a loop's body has held stays in memory until the next round has as much again. */
async function compressOne(
  model: Model,
  index: number,
  hidden: readonly Shelved[],
  settings: MethodSettings,
  { states, disk }: Record<"states" | "disk", Shelf>,
): Promise<{ outputs: Shelved[]; seconds: BlockSeconds; stored: Map<string, Shelved> }> {
  const started = performance.now();
  const weights = await model.block(index);
  const read = secondsSince(started);
  const { layers, outputs, seconds } = await compressBlock(model, index, weights, hidden, settings, { shelf: states });
  const stored = new Map<string, Shelved>();
  for (const { name, rows, columns, compressed } of layers)
    stored.set(name, await disk.put(tf.tensor3d(compressed.weight, [1, rows, columns])));
  return { outputs, seconds: { read, ...seconds }, stored };
}

async function readLinears(linears: ReadonlyMap<string, Shelved>): Promise<Map<string, Float32Array>> {
  const read = new Map<string, Float32Array>();
  for (const [name, shelved] of linears) {
    const tensor = await shelved.tensor();
    read.set(name, await tensor.data<"float32">());
    tensor.dispose();
  }
  return read;
}

/** One H100's (SXM) float32 products by its data sheet. */
export const H100_GFLOPS = 67_000;

/** Seconds that a whole model would take, computed from the measured block: work in proportion to multiplications. */
export function forecastFrom({ seconds }: LargeFigures["methods"][number], shape: LlamaShape): number {
  const passes = ratio(shape, ({ hidden, intermediate }) => 4 * hidden ** 2 + 3 * hidden * intermediate);
  const solves = ratio(
    shape,
    ({ hidden, intermediate }) => 4 * hidden ** 3 + 2 * intermediate * hidden ** 2 + hidden * intermediate ** 2,
  );
  return shape.blocks * (passes * (seconds.read + seconds.capture + seconds.forward) + solves * seconds.solve);
}

function ratio(shape: LlamaShape, work: (shape: LlamaShape) => number): number {
  return work(shape) / work(LLAMA_7B);
}
