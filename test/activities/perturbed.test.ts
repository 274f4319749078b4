import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { steps } from "../../activities/steps.js";
import { expandCells } from "../../study/cells.js";
import { toNumber } from "../../study/figures.js";
import type { Evaluation } from "../../study/results.js";
import type { StudySpecInput } from "../../study/spec.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, letters, writeModel, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();
const model = await writeModel();
const folder = await scratchFolder();
const texts = Array.from({ length: 6 }, (_, i) => `${letters(i, 30)} abc`);
await writeFile(join(folder, "last_word.jsonl"), texts.map((text) => JSON.stringify({ text })).join("\n"));

/** Evaluates the dense model of a study; all studies share their results. */
async function evaluateDense(name: string, evaluation: StudySpecInput["evaluation"]) {
  const input = await writeStudy({ name, models: [{ id: "model", path: model }] });
  const { study } = await steps.planStudy({ ...input, evaluation: { data: folder, ...evaluation } }, freshContext());
  const { spec } = await freshContext().state.plan(study);
  const [cell] = expandCells(spec, "model");
  const evaluations: Evaluation[] = [];
  const reused: boolean[] = [];
  for (const id of spec.evaluation.tasks) {
    const done = await steps.evaluate({ study, cell, evaluation: { kind: "task", id } }, freshContext());
    evaluations.push(done.evaluation);
    reused.push(done.reused);
  }
  return { evaluations, reused };
}

test("another noise seed is another evaluation of perturbed tasks, and of no others", async () => {
  const tasks = ["last_word", "last_word@swaps:0.5"];
  assert.deepEqual((await evaluateDense("first", { tasks })).reused, [false, false]);
  assert.deepEqual((await evaluateDense("same", { tasks, noiseSeed: 0 })).reused, [true, true]);
  assert.deepEqual((await evaluateDense("other", { tasks, noiseSeed: 1 })).reused, [true, false]);
});

test("strength 0 has the figures of the task as it is, under its own name", async () => {
  const { evaluations } = await evaluateDense("zero", { tasks: ["last_word", "last_word@drops:0"] });
  assert.deepEqual(evaluations[1], { ...evaluations[0], id: "last_word@drops:0" });
});

test("of several variants each record's hardest counts", async () => {
  const tasks = [1, 4].map((variants) => `last_word@swaps:0.6:worst${variants}`);
  const { evaluations } = await evaluateDense("worst", { tasks, limit: 5 });
  const [one, four] = evaluations.map(({ metrics }) => toNumber(metrics.perplexity) ?? Number.NaN);
  assert.ok(four > one, `${four} is not above ${one}`);
  assert.deepEqual(
    evaluations.map(({ count, id }) => [count, id]),
    [
      [5, "last_word@swaps:0.6"],
      [5, "last_word@swaps:0.6:worst4"],
    ],
  );
});

test("a study of two perturbed tasks has a report of what they cost", async () => {
  const given = await writeStudy({ name: "reported", models: [{ id: "model", path: model }] });
  const evaluation = { data: folder, tasks: ["last_word", "last_word@swaps:0.5", "last_word@drops:0.5:worst2"] };
  const { study } = await steps.planStudy({ ...given, evaluation }, freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const { spec } = await freshContext().state.plan(study);
  const reported = () => new TextDecoder().decode(server.objects.get("bucket/v1/study/reported/report.html"));
  const meanwhile: string[] = [];
  for (const cell of expandCells(spec, "model")) {
    await steps.embedCalibration({ study, cell }, freshContext());
    for (let block = 0; cell.method !== null && block < 2; block++) {
      await steps.compressBlock({ study, cell, block }, freshContext());
    }
    for (const id of evaluation.tasks) {
      await steps.evaluate({ study, cell, evaluation: { kind: "task", id } }, freshContext());
    }
    await steps.finishCell({ study, cell }, freshContext());
    meanwhile.push(reported());
  }
  const { summary, cells } = await steps.reportStudy({ study }, freshContext());
  assert.equal(cells, 3);
  assert.match(
    summary,
    /accuracy lost under perturbed inputs[\s\S]*all perturbations │ +swaps:0\.5 │ +drops:0\.5:worst2/,
  );
  assert.match(reported(), /Accuracy lost under all perturbations/);
  // While it ran, the page was written with each cell.
  assert.match(meanwhile[0], /1 of 3 cells so far/);
  assert.match(meanwhile[1], /2 of 3 cells so far[\s\S]*looked for in the calibration sets when the study ends/);
  assert.match(meanwhile[2], /<td>s3:\/\/bucket\/v1\/cell\/[0-9a-f]{64}\.json/);
  assert.doesNotMatch(reported(), /so far/);
});

test("a plan is refused where a perturbation is not understood, or could change nothing", async () => {
  await assert.rejects(evaluateDense("misspelt", { tasks: ["last_word@swap:0.1"] }), {
    name: "UnknownTask",
    message: /there is no perturbation "swap" \(did you mean swaps\?\)/,
  });
  await assert.rejects(evaluateDense("twice", { tasks: ["last_word@drops:0.1", "last_word@drops:0.10"] }), {
    name: "InvalidStudySpec",
    message: /has last_word@drops:0\.1 twice/,
  });
  await writeFile(join(folder, "lambada_openai.jsonl"), JSON.stringify({ text: "123 456 789" }));
  await assert.rejects(evaluateDense("nothing", { tasks: ["lambada@case:0.1"] }), {
    name: "InvalidData",
    message: /case can change nothing in any record \(lambada_openai@case:0\.1\)/,
  });
});
