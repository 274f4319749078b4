import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { compressModel } from "../../compression/compress-model.js";
import { withCompressedBlocks } from "../../compression/replace.js";
import { chunkSequences, disposeAll, embedChunks, toTensors, walkBlocks } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { readSafetensors, type Safetensors } from "../../models/safetensors.js";
import { homePath } from "../../storage/home.js";
import { methodNames, methodSettingsSchema } from "../../study/methods.js";
import { loadBackend } from "../../tensor/backend.js";
import { sharedFolder } from "../shared.js";
import { agreement } from "./agreement.js";

const shared = sharedFolder();
const folder = join(shared ?? "", "reference", "endtoend");
const modelPath = homePath("models", "SmolLM2-135M-Instruct.Q4_1.gguf");
/** What the reference agrees with itself under rounding noise, one run: another rounding may agree a little less. */
const BLOCK_SLACK = 0.05;
/** `blocks.safetensors` holds every 16th output channel of the first two blocks. */
const [ROW_STEP, BLOCKS] = [16, 2];

interface Case {
  settings: { method: string } | null;
  perplexity: number;
  /** Relative; follows from the noise that rounding alone makes. */
  tolerance: number;
  blocks?: Record<string, number>;
  seconds?: number;
}

function readCases(): [string, Case][] {
  const { cases } = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as { cases: Record<string, Case> };
  return Object.entries(cases).filter(
    ([, { settings }]) => settings === null || (methodNames as string[]).includes(settings.method),
  );
}

function readTokens(name: string): Int32Array[] {
  const { input_ids } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { input_ids: number[][] };
  return input_ids.map((ids) => Int32Array.from(ids));
}

/** exp of the mean negative log-likelihood over all predicted tokens, each sequence by itself. */
async function perplexity(model: Model, sequences: readonly Int32Array[]): Promise<number> {
  const chunks = await walkBlocks(model, await embedChunks(model, chunkSequences(sequences)));
  const head = toTensors(await model.head());
  let [total, count] = [0, 0];
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.shape[0]; i++) {
      const ids = sequences[count / (sequences[0].length - 1)];
      const sum = tf.tidy(() => {
        const hidden = tf.reshape<tf.Rank.R2>(tf.slice(chunk, [i, 0, 0], [1, ids.length - 1, -1]), [
          ids.length - 1,
          -1,
        ]);
        const scores = tf.logSoftmax(model.architecture.logits(model.config, hidden, head));
        const places = tf.stack([tf.range(0, ids.length - 1, 1, "int32"), tf.tensor1d(ids.slice(1), "int32")], 1);
        return tf.sum(tf.gatherND(scores, places));
      });
      total -= sum.dataSync()[0];
      count += ids.length - 1;
      sum.dispose();
    }
    chunk.dispose();
  }
  disposeAll(head);
  return Math.exp(total / count);
}

/** Every 16th row. */
function sampledRows(weight: Float32Array, columns: number): Float32Array {
  const rows = Math.ceil(weight.length / columns / ROW_STEP);
  const sampled = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = row * ROW_STEP * columns;
    sampled.set(weight.subarray(from, from + columns), row * columns);
  }
  return sampled;
}

function checkBlocks(
  model: Model,
  name: string,
  expected: Record<string, number>,
  stored: Safetensors,
  blocks: readonly Map<string, Float32Array>[],
) {
  let compared = 0;
  for (let index = 0; index < BLOCKS; index++) {
    for (const [linear, weight] of blocks[index]) {
      const tensor = model.architecture.blockWeightName(index, linear);
      const reference = stored.tensors.get(`${name}/${tensor}`);
      if (expected[tensor] === undefined || reference === undefined) continue;
      const columns = reference.shape[1];
      const share = agreement(sampledRows(weight, columns), reference.data as Float32Array, columns);
      assert.ok(
        share >= expected[tensor] - BLOCK_SLACK,
        `${tensor}: ${share} agrees, the reference with itself ${expected[tensor]}`,
      );
      compared++;
    }
  }
  assert.equal(compared, Object.keys(expected).length);
}

const missing = shared === undefined ? "no shared/reference" : existsSync(modelPath) ? false : `no ${modelPath}`;

describe("a whole model after each method", { skip: missing }, () => {
  let model: Model;
  let stored: Safetensors;
  before(async () => {
    await loadBackend();
    model = await loadModel(modelPath);
    stored = await readSafetensors(join(folder, "blocks.safetensors"));
  });
  after(() => model.close());

  for (const [name, expected] of missing === false ? readCases() : []) {
    it(name, async (t) => {
      const blocks: Map<string, Float32Array>[] = [];
      if (expected.settings !== null) {
        const settings = methodSettingsSchema.parse(expected.settings);
        const { seconds, phases } = await compressModel(model, readTokens("calibration_tokens.json"), settings, {
          writeBlock: async (_, __, layers) => {
            blocks.push(new Map(layers.map(({ name, compressed }) => [name, compressed.weight])));
          },
        });
        t.diagnostic(`${seconds.toFixed(1)} s ${JSON.stringify(phases)}; reference ${expected.seconds} s`);
        if (expected.blocks !== undefined) checkBlocks(model, name, expected.blocks, stored, blocks);
      }
      const compressed = blocks.length === 0 ? model : withCompressedBlocks(model, async (index) => blocks[index]);
      const value = await perplexity(compressed, readTokens("test_tokens.json"));
      const off = value / expected.perplexity - 1;
      t.diagnostic(`perplexity ${value.toFixed(4)}, reference ${expected.perplexity}, ${(100 * off).toFixed(2)} %`);
      assert.ok(Math.abs(off) <= expected.tolerance);
    });
  }
});
