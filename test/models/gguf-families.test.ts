import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { readSafetensors } from "../../models/safetensors.js";
import { checkoutFolder } from "../../storage/home.js";
import { loadBackend } from "../../tensor/backend.js";
import { largestDifference, rowsOf } from "./reference-folder.js";

/** What make-gguf-models.py wrote, with llama.cpp's converter and transformers. */
const folder = join(checkoutFolder, "test", "models", "references", "gguf-families");
const families = readdirSync(folder).flatMap((file) =>
  file.endsWith(".gguf") ? [file.slice(0, -".gguf".length)] : [],
);

before(loadBackend);

for (const family of families) {
  test(`${family}: a GGUF file gives the logits that transformers has of the model it was converted from`, async (context) => {
    const { tensors } = await readSafetensors(join(folder, `${family}.safetensors`));
    const expected = tensors.get("logits")!;
    const model = await loadModel(join(folder, `${family}.gguf`));
    const { logits } = await forwardTokens(model, rowsOf(tensors.get("input_ids")!));
    await model.close();
    assert.deepEqual(logits.shape, expected.shape);
    const error = largestDifference(logits.data, expected.data as Float32Array);
    context.diagnostic(`largest difference ${error}`);
    assert.ok(error <= 2e-4, `${error}`);
  });
}
