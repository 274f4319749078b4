import assert from "node:assert/strict";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { mean } from "simple-statistics";
import { readOutcomes } from "../../activities/read-outcomes.js";
import { readCells } from "../../activities/report-study.js";
import { steps } from "../../activities/steps.js";
import { toNumber } from "../../study/figures.js";
import { cellName } from "../../study/names.js";
import type { StudyRef } from "../../study/plan.js";
import type { StudySpecInput } from "../../study/spec.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { computeStudy, freshContext, letters, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();

const context = freshContext();
const { study, folder } = await finishedStudy();

async function finishedStudy(): Promise<{ study: StudyRef; folder: string }> {
  const given = await writeStudy();
  const folder = given.evaluation?.data ?? "";
  const records = Array.from({ length: 12 }, (_, i) =>
    JSON.stringify({ text: `${letters(i, 12)} ${letters(i + 1, 3)}` }),
  );
  await appendFile(join(folder, "last_word.jsonl"), `\n${records.join("\n")}`);
  const [source] = given.sources;
  const input: StudySpecInput = { ...given, sources: [source, { ...source, id: "other" }] };
  const { study } = await computeStudy(input, context);
  return { study, folder };
}

test("the outcomes of every cell have the accuracy that its evaluation has stored", async () => {
  const plan = await context.state.plan(study);
  const { cells } = await readCells(plan, study, context);
  const { tasks, cells: outcomes, missing } = await readOutcomes(plan, study, cells, context);
  assert.equal(missing, undefined);
  assert.deepEqual(tasks, [{ task: "last_word", records: 15, chance: 0, majority: null }]);
  assert.equal(outcomes.size, 5);
  for (const cell of cells) {
    const stored = cell.evaluations.find(({ id }) => id === "last_word")?.metrics.acc;
    const [values] = outcomes.get(cellName(cell)) ?? [];
    assert.equal(mean(Array.from(values)), toNumber(stored));
  }
});

async function reported() {
  await steps.reportStudy({ study }, context);
  return JSON.parse(new TextDecoder().decode(server.objects.get("bucket/v1/study/small/report.json"))).statistics;
}

test("the study's report compares its sources", async () => {
  const { comparisons, outcomesMissing } = await reported();
  assert.equal(outcomesMissing, null);
  assert.deepEqual(
    comparisons.map(({ kind }: { kind: string }) => kind),
    ["source"],
  );
});

test("a cell whose log-likelihoods are damaged is told, and the next report is made without it", async () => {
  const plan = await context.state.plan(study);
  const { cells } = await readCells(plan, study, context);
  const scored = Array.from(server.objects).filter(([key]) => key.includes("/v1/evaluation/"));
  const manifests = scored.map(([, bytes]) => JSON.parse(new TextDecoder().decode(bytes)));
  const { sha256 } = manifests.find(({ derivation }) => derivation.step === "task").objects.samples;
  const key = `bucket/v1/content/${sha256}.arrow`;
  const bytes = server.objects.get(key);
  assert.ok(bytes);
  server.objects.set(key, bytes.slice(1));
  await assert.rejects(readOutcomes(plan, study, cells, context), { name: "CheckpointCorrupt" });
  assert.ok((await readOutcomes(plan, study, cells, context)).cells.size < cells.length);
});

test("where the records have changed the report says so, and is made all the same", async () => {
  await appendFile(join(folder, "last_word.jsonl"), '\n{"text": "abc def"}');
  const { outcomesMissing, comparisons } = await reported();
  assert.match(outcomesMissing, /The file has changed since the study was planned/);
  assert.deepEqual(comparisons, []);
});
