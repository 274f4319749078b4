import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { z } from "zod";
import { blockLinears } from "../compression/linears.js";
import { command } from "../infra/commands.js";
import type { Progress } from "../infra/progress.js";
import { modelPath } from "../infra/quickstart-data.js";
import { linear } from "../models/architectures/layers.js";
import { chunkSequences, disposeAll, embedChunks, runBlock, toLastingTensors } from "../models/forward.js";
import { loadModel } from "../models/load.js";
import type { Model, Weights } from "../models/model.js";
import { checkoutFolder } from "../storage/home.js";
import { withDenseFolder } from "./dense-folder.js";
import { finish, type Machine, measureMachine } from "./machine.js";
import { fastest } from "./timing.js";

/** Of one shape; seconds are of the fastest pass through all blocks, the weights being in memory. */
export interface ForwardShape {
  sequences: number;
  tokens: number;
  seconds: number;
  /** The products of the linears alone, one after the other. */
  projections: number;
  /** Of the projections' operations, in the time of the whole pass. */
  gflops: number;
  transformers?: number;
}

export interface ForwardBlocks {
  machine: Machine;
  shapes: ForwardShape[];
}

const SHAPES = [
  { sequences: 4, tokens: 512 },
  { sequences: 16, tokens: 256 },
] as const;
const REPEATS = 5;
const SCRIPT = join(checkoutFolder, "bench", "forward_reference.py");
const TODO = "Name a Python that has torch and transformers.";

/**
 * The blocks of the quickstart's model without embedding and head, beside their linears alone and, where a Python is given, beside
 * transformers: the same weights, tokens, threads and float32, one after the other.
 * @throws TouchstoneError SetupIncomplete for a Python that lacks something, before anything is measured
 */
export async function benchForwardBlocks(python: string | undefined, progress: Progress): Promise<ForwardBlocks> {
  if (python !== undefined) await command(python, ["-c", "import torch, transformers"], TODO);
  const model = await loadModel(modelPath());
  try {
    const machine = await progress.step("measuring the hardware", () => measureMachine(model.config), {
      usualSeconds: 8,
    });
    const own = await progress.step("passing through the blocks", () => measureOwn(model), { usualSeconds: 40 });
    const theirs =
      python === undefined
        ? []
        : await progress.step("passing through them with transformers", () => measureTheirs(model, python, machine), {
            usualSeconds: 60,
          });
    return {
      machine,
      shapes: own.map((shape, i) => (theirs.length === 0 ? shape : { ...shape, transformers: theirs[i] })),
    };
  } finally {
    await model.close();
  }
}

async function measureOwn(model: Model): Promise<ForwardShape[]> {
  const { blocks } = model.config;
  const weights: Weights[] = [];
  for (let index = 0; index < blocks; index++) weights.push(toLastingTensors(model, index, await model.block(index)));
  const shapes: ForwardShape[] = [];
  for (const { sequences, tokens } of SHAPES) {
    const chunks = await embedChunks(model, chunkSequences(sequencesOf(sequences, tokens)));
    const timing = { times: REPEATS + 1, seconds: 0 };
    const seconds = fastest(() => {
      for (const chunk of chunks) finish(throughBlocks(model, weights, chunk));
    }, timing);
    const projections = fastest(() => {
      for (const chunk of chunks) throughLinears(model, weights, chunk);
    }, timing);
    tf.dispose(chunks);
    const operations = 2 * sequences * tokens * linearWeights(model);
    shapes.push({ sequences, tokens, seconds, projections, gflops: operations / seconds / 1e9 });
  }
  for (const each of weights) disposeAll(each);
  return shapes;
}

function throughBlocks(model: Model, weights: readonly Weights[], chunk: tf.Tensor3D): tf.Tensor3D {
  return weights.reduce<tf.Tensor3D>((hidden, block, index) => {
    const after = runBlock(model, index, block, hidden);
    if (index > 0) hidden.dispose();
    return after;
  }, chunk);
}

/** Every linear on an input of its width. */
function throughLinears(model: Model, weights: readonly Weights[], { shape }: tf.Tensor3D): void {
  const inputs = new Map<number, tf.Tensor3D>();
  for (const [index, block] of weights.entries()) {
    for (const { name, columns } of blockLinears(model, index).flat()) {
      const input = inputs.get(columns) ?? tf.ones<tf.Rank.R3>([shape[0], shape[1], columns]);
      inputs.set(columns, input);
      tf.tidy(() => void linear(input, block.get(name) as tf.Tensor));
    }
  }
  tf.dispose([...inputs.values()]);
}

function linearWeights(model: Model): number {
  const indexes = Array.from({ length: model.config.blocks }, (_, index) => index);
  const linears = indexes.flatMap((index) => blockLinears(model, index).flat());
  return linears.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
}

/** As `forward_reference.py` has them. */
function sequencesOf(count: number, tokens: number): Int32Array[] {
  return Array.from({ length: count }, (_, row) =>
    Int32Array.from({ length: tokens }, (_, i) => (row * tokens + i) % 997),
  );
}

function measureTheirs(model: Model, python: string, { threads }: Machine): Promise<number[]> {
  const shapes = JSON.stringify(SHAPES.map(({ sequences, tokens }) => [sequences, tokens]));
  return withDenseFolder(model, async (path) => {
    const output = await command(python, [SCRIPT, path, String(threads), String(REPEATS), shapes], TODO);
    return z.array(z.number()).parse(JSON.parse(output.trimEnd().split("\n").at(-1) ?? ""));
  });
}
