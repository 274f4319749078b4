import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { forwardCommand } from "../../../client/commands/forward.js";
import { forwardTokens } from "../../../models/forward.js";
import { loadModel } from "../../../models/load.js";
import { readSafetensors } from "../../../models/safetensors.js";
import { scratchFolder, writeSmallModel } from "../../models/small-model.js";

test("forward writes the logits, and the input of each block as block_outputs", async () => {
  const [path, folder] = [await writeSmallModel(), await scratchFolder()];
  const [tokens, out] = [join(folder, "tokens.json"), join(folder, "new", "out.safetensors")];
  const inputIds = [
    [1, 2, 3],
    [4, 11, 0],
  ];
  await writeFile(tokens, JSON.stringify({ input_ids: inputIds }));
  await forwardCommand().parseAsync([path, "--tokens", tokens, "--out", out], { from: "user" });

  const model = await loadModel(path);
  const expected = await forwardTokens(
    model,
    inputIds.map((ids) => Int32Array.from(ids)),
  );
  await model.close();
  const { tensors } = await readSafetensors(out);
  assert.deepEqual(Array.from(tensors.keys()), ["logits", "block_outputs"]);
  assert.deepEqual({ ...tensors.get("logits") }, { dtype: "F32", ...expected.logits });
  assert.deepEqual({ ...tensors.get("block_outputs") }, { dtype: "F32", ...expected.blockInputs });
  assert.deepEqual(expected.logits.shape, [2, 3, 12]);
  assert.deepEqual(expected.blockInputs.shape, [2, 2, 3, 8]);
});
