import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { realisticStudy } from "./realistic.js";
import { cellOf, resultsOf } from "./study.js";

test("the summary has a row for the dense model and for each method and source", () => {
  const { summary } = buildReport(realisticStudy());
  const rows = summary.split("\n").filter((line) => line.startsWith("│"));
  assert.equal(rows.length, 1 + 1 + 4 * (3 + 1));
  assert.match(rows[1], /dense .* 53\.13 │ +20\.90/);
  assert.match(summary, /rtn: null control pass, spread exactly 0/);
  assert.match(summary, /1 of 77 cells failed/);
});

test("a spread of exactly 0 is printed as 0, a small one never is", () => {
  const cells = (values: readonly number[]) =>
    values.map((text, set) => cellOf({ method: "gptq", set }, { perplexities: { text } }));
  assert.match(buildReport(resultsOf(cells([20, 20]))).summary, /20\.00 ± 0 /);
  assert.match(buildReport(resultsOf(cells([20, 20.0001]))).summary, /20\.00 ± 0\.00007 /);
});

test("the summary fits a terminal without colour codes", () => {
  const { summary } = buildReport(realisticStudy());
  assert.ok(
    summary
      .split("\n")
      .filter((line) => line.startsWith("│"))
      .every((line) => line.length <= 120),
  );
  assert.ok(!summary.includes("\u001b"));
});
