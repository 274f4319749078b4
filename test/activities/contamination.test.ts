import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { findContamination } from "../../activities/contamination.js";
import { steps } from "../../activities/steps.js";
import type { StudySpecInput } from "../../study/spec.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, letters, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();

/** A word has five letters with its space: 13 words in a row are 65 tokens. */
const CALIBRATION = { sizes: [2], length: 80, sets: 1 };
const DOCUMENTS = Array.from({ length: 4 }, (_, i) => ({ text: letters(i, 120) }));

async function find(input: StudySpecInput) {
  const { study } = await steps.planStudy(input, freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const context = freshContext();
  return () => context.state.plan(study).then((plan) => findContamination(plan, study, context));
}

test("records that have changed since the study was planned are not looked for, and nothing is stored of them", async () => {
  const input = await writeStudy({ calibration: CALIBRATION });
  const source = join(await scratchFolder(), "documents.jsonl");
  await writeFile(source, DOCUMENTS.map((document) => JSON.stringify(document)).join("\n"));
  const look = await find({ ...input, name: "changed", sources: [{ id: "source", path: source }] });
  await writeFile(join(input.evaluation?.data ?? "", "last_word.jsonl"), JSON.stringify({ text: letters(7, 120) }));
  server.requests.length = 0;
  await assert.rejects(look(), { name: "InvalidData", message: /has changed since the study was planned/ });
  assert.ok(!server.requests.some((request) => request.startsWith("PUT")));
});

test("records in calibration sets are looked for once, and again only for other records", async () => {
  const input = await writeStudy({ calibration: CALIBRATION });
  const source = join(await scratchFolder(), "documents.jsonl");
  const records = join(input.evaluation?.data ?? "", "last_word.jsonl");
  const lines = DOCUMENTS.map((document) => JSON.stringify(document)).join("\n");
  await writeFile(source, lines);
  await writeFile(records, lines);
  const spec = { ...input, sources: [{ id: "source", path: source }] };

  const look = await find(spec);
  // Each of the set's sequences is of another document.
  const expected = [{ source: "source", set: 0, task: "last_word", records: 2 }];
  assert.deepEqual(await look(), expected);
  await rm(records);
  server.requests.length = 0;
  assert.deepEqual(await look(), expected);
  assert.deepEqual(
    server.requests.filter((request) => request.startsWith("PUT")),
    [],
  );

  await writeFile(records, JSON.stringify({ text: letters(9, 120) }));
  assert.deepEqual(await (await find({ ...spec, name: "other" }))(), []);
});
