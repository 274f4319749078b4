import assert from "node:assert/strict";
import { test } from "node:test";
import { recordFailure } from "../../activities/cell-records.js";
import { planSweep } from "../../activities/plan-sweep.js";
import { rehearsalSteps } from "../../bench/rehearsal/steps.js";
import { rehearsalSpec } from "../../bench/rehearsal/study.js";
import { expandCells } from "../../study/cells.js";
import type { StudyRef, SweepPage } from "../../study/plan.js";
import { parseStudySpec } from "../../study/spec.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext } from "./small-study.js";

process.env.TOUCHSTONE_BUCKET = "bucket";
const server = await startS3();
const context = freshContext();

/** A study of so many cells, with its sets. */
async function begin(name: string, cells: number) {
  const spec = rehearsalSpec(name, cells, 1, 4);
  const { study } = await rehearsalSteps.planStudy(spec, context);
  await rehearsalSteps.sampleSource({ study, model: "model", source: "source" }, context);
  return { study, all: expandCells(parseStudySpec(spec), "model") };
}

const page = (study: StudyRef, from: number, failed?: { to: number }, counted = 0) =>
  planSweep({ study, model: "model", state: failed ? "failed" : "pending", from, counted, ...failed }, context);
const indexes = ({ cells }: SweepPage) => cells.map(({ index }) => index);

test("pages have every cell that is not done, once and in order, and few cells each", async () => {
  const { study, all } = await begin("pages", 201);
  const done = [0, 1, 2, 60, 130, 131, 200];
  for (const index of done) await rehearsalSteps.finishCell({ study, cell: all[index] }, context);
  const found: number[] = [];
  let counted = 0;
  for (let from: number | null = 0; from !== null; ) {
    const { cells, total, next, done } = await page(study, from);
    counted += Object.values(done).reduce((sum, count) => sum + count, 0);
    assert.equal(total, 201);
    assert.ok(cells.length <= 50);
    for (const { index, cell } of cells) assert.deepEqual(cell, all[index]);
    found.push(...cells.map(({ index }) => index));
    from = next;
  }
  assert.equal(counted, done.length);
  const again = await page(study, 0, undefined, 132);
  assert.deepEqual(again.done, {}, "what was counted before is not counted again");
  assert.deepEqual(
    found,
    all.map((_, i) => i).filter((i) => !done.includes(i)),
  );
});

test("a page takes little more than a request a cell", async () => {
  const { study } = await begin("requests", 201);
  server.requests.length = 0;
  const { cells } = await page(study, 0);
  // Four methods have a set in common.
  assert.ok(server.requests.length < 1.4 * cells.length, `${server.requests.length} for ${cells.length} cells`);
});

test("failed cells are found by what was recorded of them, as far as the sweep has been", async () => {
  const { study, all } = await begin("failed", 41);
  for (const index of [3, 7, 30]) {
    const failure = { ...all[index], errorType: "NumericalError", message: "NaN", at: null, worker: null, log: [] };
    await recordFailure({ study, failure }, context);
  }
  assert.deepEqual(indexes(await page(study, 0, { to: 20 })), [3, 7]);
  assert.deepEqual(indexes(await page(study, 4, { to: 41 })), [7, 30]);
  await rehearsalSteps.finishCell({ study, cell: all[7] }, context);
  assert.deepEqual(indexes(await page(study, 0, { to: 41 })), [3, 30], "one that was done in the meantime is left out");
});
