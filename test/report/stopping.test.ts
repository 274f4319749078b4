import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { isNotNeeded, meanKnowledge, sourcesKnowledge } from "../../report/stopping.js";
import { knowledgeText, stoppingNotes } from "../../report/stopping-text.js";
import { sequentialHalfWidth } from "../../statistics/stopping.js";
import type { FailedCell } from "../../study/results.js";
import type { StudySpecInput } from "../../study/spec.js";
import { exampleSpec } from "../study/example.js";
import { cellOf, resultsOf } from "./study.js";

const study = (stopping: StudySpecInput["stopping"], evaluation?: StudySpecInput["evaluation"]) =>
  exampleSpec({ stopping, calibration: { sizes: [128], length: 16, sets: 10 }, ...(evaluation && { evaluation }) });

const accuracies = [0.41, 0.412, 0.409, 0.411, 0.41, 0.409];
const cells = (method: "gptq" | "rtn", values: readonly number[], source = "a") =>
  values.map((piqa, set) => cellOf({ method, source, set }, { tasks: { piqa }, perplexities: { text: 20 + set } }));

test("the half-width of accuracies is in percentage points, that of perplexities in their unit", () => {
  const own = cells("gptq", accuracies);
  const width = sequentialHalfWidth(accuracies.slice(0, 4)) ?? 0;
  const points = meanKnowledge(study({ halfWidth: 100 * width + 1e-9, minimum: 4 }), own);
  assert.deepEqual([points.known, points.count, points.halfWidth], [true, 4, width]);
  const perplexity = meanKnowledge(study({ halfWidth: 3, measure: "text" }), own);
  const values = own.map((_, set) => 20 + set);
  const first = [3, 4, 5, 6].find((count) => (sequentialHalfWidth(values.slice(0, count)) ?? 9) <= 3);
  assert.deepEqual([perplexity.known, perplexity.count], [first !== undefined, first ?? 6]);
  const noTasks = study({ halfWidth: 3 }, { perplexity: [{ id: "text", path: "/text.txt" }] });
  assert.deepEqual(meanKnowledge(noTasks, own), perplexity);
});

test("a method that looks at no data is known by equal figures, another isn't", () => {
  const equal = [0.4, 0.4, 0.4, 0.4];
  const spec = study({ halfWidth: 0.5 });
  assert.deepEqual(meanKnowledge(spec, cells("rtn", equal)), { count: 3, mean: 0.4, halfWidth: 0, known: true });
  assert.equal(meanKnowledge(spec, cells("gptq", equal)).known, false);
  assert.equal(meanKnowledge(spec, cells("rtn", equal.slice(0, 2))).known, false);
});

test("sets after the one that decided are not needed, also where their record says that they failed", () => {
  const spec = study({ halfWidth: 2, minimum: 3 });
  const done = cells("gptq", accuracies).filter(({ set }) => set !== 1 && Number(set) < 4);
  const failure = { errorType: "NumericalError", message: "NaN", at: null, worker: null, log: [] };
  const failedAt = (set: number): FailedCell => ({ ...cellOf({ method: "gptq", source: "a", set }, {}), ...failure });
  const left = { cells: done, failed: [failedAt(1), failedAt(7)], skipped: [] };
  const [own] = sourcesKnowledge(spec, left);
  assert.deepEqual([own.sets, own.of, own.last, own.known], [3, 10, 3, true], "the failed set is looked past");
  assert.deepEqual(
    left.failed.map((cell) => isNotNeeded([own], cell)),
    [false, true],
  );
  assert.equal(own.notNeeded, 5, "of sets 4 to 9 one has failed");
  assert.equal(isNotNeeded([own], { ...failedAt(7), source: "b" }), false);
  assert.equal(isNotNeeded([own], { ...failedAt(7), noise: 0 }), false);
});

test("the report and the summary say after how many sets a source was known, and what was spared", () => {
  const spec = study({ halfWidth: 1, minimum: 4 });
  const results = [...cells("gptq", accuracies.slice(0, 4)), ...cells("gptq", [0.3, 0.5, 0.4], "b")];
  const stopping = sourcesKnowledge(spec, { cells: results, failed: [], skipped: [] });
  const width = (100 * (sequentialHalfWidth(accuracies.slice(0, 4)) ?? 0)).toFixed(2);
  assert.equal(knowledgeText(stopping[0]), `stopped after 4 of 10 sets: ±${width} points`);
  assert.match(knowledgeText(stopping[1]), /^3 of 10 sets: ±\d+\.\d\d points, wider than wanted$/);
  const { html, summary, json } = buildReport(resultsOf(results, { stopping }));
  assert.ok(html.includes(`stopped after 4 of 10 sets: ±${width} points`));
  assert.ok(html.includes("±1.00 points"));
  assert.match(summary, /mean within ±1\.00 points: 1 of 2 sources .*; 6 cells not needed/);
  assert.deepEqual(JSON.parse(json).results.stopping, stopping);
  assert.deepEqual(stoppingNotes(resultsOf(results)), [], "studies without a rule say nothing of it");
});
