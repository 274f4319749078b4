import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { scoreSequences } from "../../evaluation/score.js";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { readSafetensors } from "../../models/safetensors.js";
import { loadBackend } from "../../tensor/backend.js";
import { sharedFolder } from "../shared.js";
import { largestDifference, madeReferences, rowsOf } from "./reference-folder.js";

const shared = sharedFolder();

/** Two float32 implementations differ by the order of additions. */
const LOGIT_TOLERANCE = 2e-4;
/** Tokens at the end of a sequence that are scored. */
const ENDS = 4;

before(loadBackend);

const sharedFamilies = [
  ...["gemma", "gpt_neox", "llama", "llama_gqa_tied", "llama3_rope", "mistral_window", "opt", "phi3", "qwen2", "qwen3"],
];
const references = [
  ...sharedFamilies.map((family) => ({ family, folder: shared && join(shared, "reference", "models", family) })),
  ...readdirSync(madeReferences).map((family) => ({ family, folder: join(madeReferences, family) })),
];

for (const { family, folder = "" } of references) {
  const skip = folder === "" && "the reference values are not here";
  test(`${family}: logits and block inputs are those of transformers`, { skip }, async (context) => {
    const { tensors } = await readSafetensors(join(folder, "expected.safetensors"));
    const model = await loadModel(folder);
    const before = tf.memory().numTensors;
    const { logits, blockInputs } = await forwardTokens(model, rowsOf(tensors.get("input_ids")!));
    assert.equal(tf.memory().numTensors, before, "tensors are left over");
    await model.close();

    const expectedLogits = tensors.get("logits")!;
    const expectedInputs = tensors.get("block_outputs")!;
    assert.deepEqual(logits.shape, expectedLogits.shape);
    assert.deepEqual(blockInputs.shape, expectedInputs.shape);
    const logitError = largestDifference(logits.data, expectedLogits.data as Float32Array);
    const inputError = largestDifference(blockInputs.data, expectedInputs.data as Float32Array);
    context.diagnostic(`largest difference: logits ${logitError}, block inputs ${inputError}`);
    assert.ok(logitError <= LOGIT_TOLERANCE);
    assert.ok(inputError <= 1e-4);
  });

  test(`${family}: sequences that share beginnings score what transformers' logits say`, { skip }, async (context) => {
    const { tensors } = await readSafetensors(join(folder, "expected.safetensors"));
    const { shape, data } = tensors.get("logits")!;
    const [, logitRows, vocabSize] = shape;
    const rows = rowsOf(tensors.get("input_ids")!);
    // An encoder-decoder has logits of its decoder's tokens alone, each at the token's own place.
    const { length } = rows[0];
    const read = length - logitRows;
    const ends = read === 0 ? [6, 13, 20, length] : [1, 2, 4, 19].map((given) => read + given);
    const asked = rows.flatMap((tokens, row) =>
      ends.map((end) => ({ tokens, row, end, from: read === 0 ? end - ENDS : read })),
    );
    const model = await loadModel(folder);
    const found = await scoreSequences(
      model,
      asked.map(({ tokens, end, from }) => ({ tokens: tokens.subarray(0, end), from })),
    );
    await model.close();
    const errors = asked.map(({ tokens, row, end, from }, i) => {
      let expected = 0;
      for (let place = from; place < end; place++) {
        const start = (row * logitRows + (read === 0 ? place - 1 : place - read)) * vocabSize;
        expected += logSoftmax((data as Float32Array).subarray(start, start + vocabSize), tokens[place]);
      }
      return Math.abs(found[i].loglikelihood - expected);
    });
    context.diagnostic(`largest difference of a log-likelihood: ${Math.max(...errors)}`);
    // Each token's has the error of a logit, and of a mean of logits.
    const scored = Math.max(...asked.map(({ end, from }) => end - from));
    assert.ok(Math.max(...errors) <= 2 * scored * LOGIT_TOLERANCE);
  });
}

function logSoftmax(logits: Float32Array, token: number): number {
  return logits[token] - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
}
