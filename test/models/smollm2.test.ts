import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { chunkSequences, disposeAll, embedChunks, toTensors, walkBlocks } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { homePath } from "../../storage/home.js";
import { loadBackend } from "../../tensor/backend.js";
import { sharedFolder } from "../shared.js";

const path = homePath("models", "SmolLM2-135M-Instruct.Q4_1.gguf");
const shared = sharedFolder();
const skip =
  shared === undefined ? "the reference values are not here" : !existsSync(path) && "the small model isn't set up";

let model: Model;
before(async () => {
  await loadBackend();
  if (skip === false) model = await loadModel(path);
});
after(() => model?.close());

/** Sequences of tokens that the reference tokenizer made of running text, and the reference's perplexity of them. */
async function endToEnd(name: string): Promise<Int32Array[]> {
  const json = JSON.parse(await readFile(join(shared!, "reference", "endtoend", name), "utf8"));
  return json.input_ids.map((ids: number[]) => Int32Array.from(ids));
}

test("the vocabulary in the file gives the reference tokenizer's ids", { skip }, async () => {
  const tokenizer = await model.tokenizer();
  for (const file of ["test_tokens.json", "calibration_tokens.json"]) {
    for (const ids of await endToEnd(file)) assert.deepEqual(tokenizer.encode(tokenizer.decode(ids)), ids);
  }
  assert.equal(tokenizer.addsBos, false);
  assert.deepEqual([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.vocabSize], [1, 2, 49152]);
});

test("the dense model's perplexity is the reference's, with one block's weights in memory at a time", {
  skip,
}, async (context) => {
  const sequences = await endToEnd("test_tokens.json");
  const expected = JSON.parse(await readFile(join(shared!, "reference", "endtoend", "expected.json"), "utf8"));
  const { perplexity, tolerance } = expected.cases.dense;
  const chunks = chunkSequences(sequences);
  const held: number[] = [];
  const hidden = await walkBlocks(model, await embedChunks(model, chunks), () => {
    held.push(tf.memory().numTensors);
  });
  assert.deepEqual(new Set(held), new Set([chunks.length]), "only the activations are held between blocks");

  const head = toTensors(await model.head());
  const losses = hidden.flatMap((chunk, c) =>
    tf.unstack(chunk).map((states, s) => {
      const logits = tf.transpose(model.architecture.logits(model.config, states as tf.Tensor2D, head));
      return meanLoss(logits, chunks[c][s]);
    }),
  );
  disposeAll(head);
  const actual = Math.exp(losses.reduce((sum, loss) => sum + loss, 0) / losses.length);
  context.diagnostic(`perplexity ${actual.toFixed(5)}, the reference's is ${perplexity}`);
  assert.ok(Math.abs(actual - perplexity) <= tolerance);
});

/** Mean negative log-likelihood of a sequence's tokens but the first. */
function meanLoss(logits: tf.Tensor2D, ids: Int32Array): number {
  return tf.tidy(() => {
    const scores = tf.logSoftmax(tf.slice(logits, [0, 0], [ids.length - 1, -1]));
    const indices = Array.from(ids.subarray(1), (id, i) => [i, id]);
    return -tf.mean(tf.gatherND(scores, tf.tensor2d(indices, [indices.length, 2], "int32"))).dataSync()[0];
  });
}
