import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { steps } from "../../activities/steps.js";
import { compressCommand } from "../../client/commands/compress.js";
import { expandCells } from "../../study/cells.js";
import { scratchFolder, smallWeights } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeModel, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
await startS3();

/** So small that it is lost in float32, after all retries too. */
const method = { method: "gptq" as const, groupSize: 4, blockSize: 8, damping: 1e-12 };

/** All tokens have the same embedding, of equal values: H of the first stage is of rank one. */
async function degenerateModel(value: number): Promise<string> {
  const weights = smallWeights();
  weights.get("model.embed_tokens.weight")!.data.fill(value);
  weights.get("model.layers.0.input_layernorm.weight")!.data.fill(1);
  return writeModel(weights);
}

async function compressFirstBlock(name: string, path: string): Promise<void> {
  const given = await writeStudy({ name, models: [{ id: "model", path }], methods: [method] });
  const { study } = await steps.planStudy(
    { ...given, checkpoints: { ...given.checkpoints, prefix: name } },
    freshContext(),
  );
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const cell = expandCells((await freshContext().state.plan(study)).spec, "model")[2];
  await steps.compressBlock({ study, cell, block: 0 }, freshContext());
}

test("a second moment that can't be factorised names layer, block, cell and calibration set", async () => {
  await assert.rejects(compressFirstBlock("singular", await degenerateModel(1)), {
    name: "NumericalError",
    retryable: false,
    message:
      /can't be factorised, even with damping \S+ \(inputs of model\.layers\.0\.self_attn\.q_proj\.weight, block 0, cell singular\/model\/gptq\/source-n2-set1, calibration set 1 of source, 2 sequences, tokens [0-9a-f]{12}\)\. Use more calibration/,
  });
});

test("a second moment that isn't finite names them too", async () => {
  const weights = smallWeights();
  weights.get("model.layers.0.input_layernorm.weight")!.data.fill(1e30);
  await assert.rejects(compressFirstBlock("overflow", await writeModel(weights)), {
    name: "NumericalError",
    message:
      /overflow when squared \(inputs of model\.\S+q_proj\.weight, block 0, cell overflow\/model\/gptq\S+, calibration set 1/,
  });
});

test("`touchstone compress` names layer, block and the set's file", async () => {
  const folder = await scratchFolder();
  const tokens = join(folder, "tokens.json");
  await writeFile(tokens, JSON.stringify({ input_ids: [[1, 2, 3, 4, 5, 6, 7, 8]] }));
  const args = [await degenerateModel(1), "--method", JSON.stringify(method), "--calibration", tokens];
  await assert.rejects(compressCommand().parseAsync([...args, "--out", join(folder, "out")], { from: "user" }), {
    name: "NumericalError",
    message: /\(inputs of model\.layers\.0\.self_attn\.q_proj\.weight, block 0, calibration set .*tokens\.json\)/,
  });
});
