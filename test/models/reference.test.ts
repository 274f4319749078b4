import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { readSafetensors } from "../../models/safetensors.js";
import { loadBackend } from "../../tensor/backend.js";
import { sharedFolder } from "../shared.js";
import { madeReferences } from "./reference-folder.js";

const shared = sharedFolder();

before(loadBackend);

const sharedFamilies = [
  ...["gemma", "gpt_neox", "llama", "llama_gqa_tied", "llama3_rope", "mistral_window", "opt", "phi3", "qwen2", "qwen3"],
];
const folders = [
  ...sharedFamilies.map((family) => ({ family, folder: shared && join(shared, "reference", "models", family) })),
  ...readdirSync(madeReferences).map((family) => ({ family, folder: join(madeReferences, family) })),
];

for (const { family, folder } of folders) {
  const skip = folder === undefined && "the reference values are not here";
  test(`${family}: logits and block inputs are those of transformers`, { skip }, async (context) => {
    assert.ok(folder !== undefined);
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
    // Two float32 implementations differ by the order of additions.
    assert.ok(logitError <= 2e-4);
    assert.ok(inputError <= 1e-4);
  });
}

function rowsOf({ shape, data }: { shape: readonly number[]; data: ArrayLike<number | bigint> }): Int32Array[] {
  const [rows, columns] = shape;
  const ids = Int32Array.from(Array.from(data, Number));
  return Array.from({ length: rows }, (_, i) => ids.subarray(i * columns, (i + 1) * columns));
}

function largestDifference(actual: Float32Array, expected: Float32Array): number {
  assert.equal(actual.length, expected.length);
  return actual.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i])), 0);
}
