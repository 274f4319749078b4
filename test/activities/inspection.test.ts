import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { findInspection } from "../../activities/inspection.js";
import { steps } from "../../activities/steps.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, letters, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();

const puts = () => server.requests.filter((request) => request.startsWith("PUT"));

test("a study's sets are inspected once, by source, and found again by later reports", async () => {
  const folder = await scratchFolder();
  const write = async (name: string, texts: string[]) => {
    await writeFile(join(folder, name), texts.map((text) => JSON.stringify({ text })).join("\n"));
    return join(folder, name);
  };
  const texts = Array.from({ length: 4 }, (_, i) => letters(i, 90));
  const sources = [
    { id: "one", path: await write("one.jsonl", texts) },
    // The same texts but for two letters.
    {
      id: "two",
      path: await write(
        "two.jsonl",
        texts.map((text) => `${text}ab`),
      ),
    },
  ];
  const input = await writeStudy({ calibration: { sizes: [1, 2], length: 89, sets: 2 } });
  const { study } = await steps.planStudy({ ...input, sources }, freshContext());
  const context = freshContext();
  const plan = await context.state.plan(study);

  server.requests.length = 0;
  assert.deepEqual(await findInspection(plan, study, context), []);
  assert.deepEqual(puts(), []);
  for (const { id } of sources) await steps.sampleSource({ study, model: "model", source: id }, freshContext());

  const found = await findInspection(plan, study, context);
  assert.deepEqual(
    found.map(({ source, sets, sequences, tokens, documents }) => [source, sets, sequences, tokens, documents]),
    [
      ["one", 2, 4, 4 * 89, 4],
      ["two", 2, 4, 4 * 89, 4],
    ],
  );
  for (const { duplicates, vocabulary } of found) {
    assert.equal(duplicates.foreign, 4);
    // Of the tokenizer's twelve characters.
    assert.equal(vocabulary, new Set(texts.join("")).size / 12);
  }
  assert.ok(found[0].distances[1] < 0.2);
  server.requests.length = 0;
  assert.deepEqual(await findInspection(plan, study, freshContext()), found);
  assert.deepEqual(puts(), []);
});

test("the report says what the sets hold, and where their texts can be read", async () => {
  const input = await writeStudy();
  const { study } = await steps.planStudy(input, freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const context = freshContext();
  await steps.reportStudy({ study }, context);
  const bytes = await context.state.store(study).read("v1/study/small/report.html");
  const page = new TextDecoder().decode(bytes);
  assert.match(page, /<h2>Inspection of calibration sets<\/h2>/);
  assert.match(page, /<code>touchstone study inspect small<\/code>/);
});
