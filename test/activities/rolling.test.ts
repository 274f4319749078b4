import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { steps } from "../../activities/steps.js";
import { expandCells } from "../../study/cells.js";
import { evaluationsOf } from "../../study/plan.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeModel, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
await startS3();

test("a study takes word and byte perplexity of a text in rolling windows", async () => {
  const { evaluation } = await writeStudy();
  const [{ path }] = evaluation?.perplexity ?? [];
  const texts = [
    { id: "rolling", path, windows: "rolling" as const, length: 8 },
    { id: "cut", path, length: 8 },
  ];
  const model = await writeModel();
  await writeFile(join(model, "tokenizer_config.json"), JSON.stringify({ bos_token: "a" }));
  const models = [{ id: "model", path: model }];
  const input = await writeStudy({ models, evaluation: { perplexity: texts } });
  const { study } = await steps.planStudy(input, freshContext());
  const { spec } = await freshContext().state.plan(study);
  const [dense] = expandCells(spec, "model");
  const [rolling, cut] = await Promise.all(
    evaluationsOf(spec).map((each) => steps.evaluate({ study, cell: dense, evaluation: each }, freshContext())),
  );
  const names = ["perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte"];
  assert.deepEqual(Object.keys(rolling.evaluation.metrics), names);
  assert.deepEqual(Object.keys(cut.evaluation.metrics), ["perplexity"]);
  // Of 60 characters, a token each, rolling windows predict every one; of those that are cut, all but the first of each.
  assert.deepEqual([rolling.evaluation.count, cut.evaluation.count], [60, 49]);
});
