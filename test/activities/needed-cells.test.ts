import assert from "node:assert/strict";
import { test } from "node:test";
import { recordFailure, writeRecord } from "../../activities/cell-records.js";
import { cellDerivation } from "../../activities/derivations.js";
import { type PageRequest, planSweep } from "../../activities/plan-sweep.js";
import { rehearsalSteps } from "../../bench/rehearsal/steps.js";
import { rehearsalSpec } from "../../bench/rehearsal/study.js";
import { expandCells } from "../../study/cells.js";
import { evaluationsOf, type SweepPage } from "../../study/plan.js";
import type { CellCoordinates, CellResult } from "../../study/results.js";
import { parseStudySpec, type StudySpecInput } from "../../study/spec.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext } from "./small-study.js";

process.env.TOUCHSTONE_BUCKET = "bucket";
await startS3();
const context = freshContext();

/** Figures that are known after three sets, and ones that never are. */
const NARROW = [20, 20.01, 20.02, 20.01, 20, 20.02];
const WIDE = [20, 30, 25, 21, 29, 24];

/** One method on two sources of six sets, of which all that is known is in the store. */
async function begin(name: string, stopping: StudySpecInput["stopping"] = { halfWidth: 1 }) {
  const spec: StudySpecInput = {
    ...rehearsalSpec(name, 1, 1, 4),
    sources: ["narrow", "wide"].map((id) => ({ id, path: "none" })),
    methods: [{ method: "wanda" }],
    calibration: { sizes: [1], length: 2, sets: 6 },
    stopping,
  };
  const { study } = await rehearsalSteps.planStudy(spec, context);
  for (const { id } of spec.sources) await rehearsalSteps.sampleSource({ study, model: "model", source: id }, context);
  const plan = await context.state.plan(study);
  const all = expandCells(parseStudySpec(spec), "model");
  const indexOf = (source: string, set: number) => all.findIndex((each) => each.source === source && each.set === set);
  const finish = async (cell: CellCoordinates) => {
    const value = (cell.source === "wide" ? WIDE : NARROW)[cell.set ?? 0];
    const evaluation = { id: "text", kind: "perplexity" as const, standardErrors: {}, count: 1 };
    const digest = cell.set === null ? null : "set";
    const result: CellResult = {
      ...{ ...cell, bitsPerWeight: null, sparsity: null, error: null, calibrationDigest: digest },
      ...{
        evaluations: [{ ...evaluation, metrics: { perplexity: { value } } }],
        seconds: { compress: 0, evaluate: 0 },
      },
    };
    const derivation = cellDerivation(plan, cell, digest, evaluationsOf(plan.spec));
    await context.state.checkpoints(study).commit("cell", derivation, {}, result);
  };
  const page = (from: number, more: Partial<PageRequest> = {}) =>
    planSweep({ study, model: "model", state: "pending", from, counted: 0, ...more }, context);
  /** Finishes all of these sets. */
  const finishSets = async (...sets: number[]) => {
    for (const cell of all.filter(({ set }) => set === null || sets.includes(set))) await finish(cell);
  };
  return { study, all, indexOf, finish, finishSets, page };
}

const places = ({ cells }: SweepPage) =>
  cells.map(({ cell }) => (cell.set === null ? "dense" : `${cell.source} ${cell.set}`));

test("a page has the sets that are needed in any case, and ends where results must decide", async () => {
  const { page, indexOf } = await begin("begins");
  const first = await page(0);
  const sure = [0, 1, 2].flatMap((set) => [`narrow ${set}`, `wide ${set}`]);
  assert.deepEqual(places(first), ["dense", ...sure]);
  assert.deepEqual([first.next, first.waits], [indexOf("narrow", 3), true]);
});

test("a source that is known gets no further set, the others do, one after another", async () => {
  const { page, indexOf, finish, finishSets, all } = await begin("goes-on");
  await finishSets(0, 1, 2);
  const third = await page(indexOf("narrow", 3), { counted: indexOf("narrow", 3) });
  assert.deepEqual(places(third), ["wide 3"]);
  assert.deepEqual([third.next, third.waits, third.notNeeded], [indexOf("wide", 4), true, { wanda: 2 }]);

  const waiting = await page(indexOf("wide", 4), { running: [indexOf("wide", 3)], counted: indexOf("wide", 4) });
  assert.deepEqual([places(waiting), waiting.next, waiting.waits], [[], indexOf("wide", 4), true]);
  await finish(all[indexOf("wide", 3)]);
  assert.deepEqual(places(await page(indexOf("wide", 4), { counted: indexOf("wide", 4) })), ["wide 4"]);

  const again = await page(0);
  assert.deepEqual(places(again), ["wide 4"], "a study that is started again finds the same");
  assert.deepEqual([again.done, again.notNeeded], [{ dense: 1, wanda: 7 }, { wanda: 3 }]);
});

test("what decides are the sets in their order, not which came first", async () => {
  const { page, indexOf, finish, finishSets, all } = await begin("in-order");
  await finishSets(0, 1);
  for (const set of [3, 4]) await finish(all[indexOf("narrow", set)]);
  const open = { running: [indexOf("narrow", 2), indexOf("wide", 2)] };
  const page5 = await page(indexOf("narrow", 5), open);
  assert.deepEqual([places(page5), page5.waits], [[], true], "three other sets would do");
  const failed = await page(indexOf("narrow", 5), { running: [indexOf("wide", 2)] });
  assert.deepEqual(
    [failed.notNeeded, failed.next],
    [{ wanda: 1 }, indexOf("wide", 5)],
    "one that failed is looked past",
  );
});

test("sets that failed or are skipped are looked past, and the next ones stand in for them", async () => {
  const { study, page, indexOf, finish, all } = await begin("with-gaps");
  for (const set of [0, 1]) await finish(all[indexOf("narrow", set)]);
  await writeRecord(context.state.store(study), "skipped", study.name, {
    ...all[indexOf("narrow", 2)],
    reason: "slow",
  });
  for (const set of [0, 1, 2]) await finish(all[indexOf("wide", set)]);
  const third = await page(indexOf("narrow", 3));
  assert.deepEqual(places(third), ["narrow 3", "wide 3"]);
  await finish(all[indexOf("narrow", 3)]);
  assert.deepEqual((await page(indexOf("narrow", 4))).notNeeded, { wanda: 2 });
});

test("cells that a retry makes needed are opened again, and said to be", async () => {
  const { study, page, indexOf, finish, all } = await begin("reopened");
  for (const set of [0, 1, 2]) await finish(all[indexOf("narrow", set)]);
  for (const set of [0, 3]) await finish(all[indexOf("wide", set)]);
  const failure = { errorType: "NumericalError", message: "NaN", at: null, worker: null, log: [] };
  for (const set of [1, 2])
    await recordFailure({ study, failure: { ...all[indexOf("wide", set)], ...failure } }, context);
  const end = { state: "failed" as const, to: all.length, counted: all.length };
  const tried = await page(0, end);
  assert.deepEqual(places(tried), ["wide 1", "wide 2"]);
  assert.deepEqual([tried.waits, tried.next], [true, indexOf("wide", 4)]);
  for (const set of [1, 2]) await finish(all[indexOf("wide", set)]);
  const { cells } = await page(indexOf("wide", 4), end);
  assert.deepEqual(
    cells.map(({ index, reopened }) => [index, reopened]),
    [[indexOf("wide", 4), true]],
  );
});

test("a larger maximum adds only sets of sources that are not known", async () => {
  const rule = { halfWidth: 1, maximum: 4 };
  const small = await begin("grows", rule);
  await small.finishSets(0, 1, 2, 3);
  assert.deepEqual([(await small.page(0)).total, places(await small.page(0))], [9, []]);
  const large = await begin("grows", { ...rule, maximum: 6 });
  assert.deepEqual(places(await large.page(0)), ["wide 4"]);
});
