import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import { buildReport } from "../../report/build.js";
import { studyStatistics } from "../../report/statistics.js";
import { realisticStudy } from "./realistic.js";
import { cellOf, resultsOf } from "./study.js";

const study = realisticStudy({ perturbed: true });
const report = buildReport(study);
const clean = buildReport(realisticStudy());

/** Accuracies are sums of a few float64 numbers below 1. */
const ROUNDING = 1e-12;

function assertNear(found: number | null | undefined, wanted: number): void {
  assert.ok(found != null && Math.abs(found - wanted) < ROUNDING, `${found}, not ${wanted}`);
}

test("accuracy lost is clean less perturbed of each cell, by source, with the dense model's", () => {
  const { models, measures } = studyStatistics(study);
  assert.deepEqual(
    measures.filter(({ kind }) => kind === "lostMean").map(({ id }) => id),
    ["all perturbations", "typos:0.1", "case:0.2:worst4"],
  );
  const { dense, methods } = models[0];
  assertNear(dense?.["lost:piqa@typos:0.1"].value, 0.02);
  assertNear(dense?.["lostMean:all perturbations"].value, 0.03);
  for (const { sizes, dataFree } of methods) {
    sizes[0].sources.forEach(({ measures: of }, i) => {
      const brittleness = dataFree ? 1 : 3 - i;
      assertNear(of["lost:piqa@case:0.2:worst4"].mean, 0.04 * brittleness);
      assertNear(of["lostMean:typos:0.1"].mean, 0.02 * brittleness);
      assertNear(of["lostMean:all perturbations"].mean, 0.03 * brittleness);
      assert.equal(of["lostMean:typos:0.1"].standardDeviation, 0);
    });
  }
});

test("a mean over tasks is over those with that perturbation", () => {
  const tasks = { piqa: 0.8, boolq: 0.7, "piqa@typos:0.1": 0.7, "boolq@typos:0.1": 0.4, "piqa@drops:0.1": 0.75 };
  const { models } = studyStatistics(resultsOf([cellOf({}, { tasks })]));
  const lost = (perturbation: string) => models[0].dense?.[`lostMean:${perturbation}`].value;
  assertNear(lost("typos:0.1"), 0.2);
  assertNear(lost("drops:0.1"), 0.05);
  assertNear(lost("all perturbations"), 0.15);
});

test("perturbed tasks are no part of the tasks' mean, and leave every other figure as it is", () => {
  const [{ dense, methods }] = studyStatistics(study).models;
  const [expected] = studyStatistics(realisticStudy()).models;
  for (const [key, figure] of Object.entries(expected.dense ?? {})) assert.deepEqual(dense?.[key], figure);
  expected.methods.forEach(({ sizes, noise }, i) => {
    for (const [key, summary] of Object.entries(sizes[0].pooled))
      assert.deepEqual(methods[i].sizes[0].pooled[key], summary);
    for (const [key, floor] of Object.entries(noise)) assert.deepEqual(methods[i].noise[key], floor);
  });
});

test("the page has a section with a chart for each method, and says which source makes a model brittle", () => {
  const charts = (page: string) => page.match(/<svg role="img"/g)?.length ?? 0;
  assert.equal(charts(report.html), charts(clean.html) + 4);
  assert.match(report.html, /<h2>Under perturbed inputs<\/h2>/);
  assert.match(report.html, /The dense model&#39;s loss is 3\.00/);
  assert.match(
    report.html,
    /<strong>wanda<\/strong> accuracy lost under all perturbations: most with state-of-the-union \(9\.00 points\), least with news \(3\.00 points\); \d+ % of the variance is from the source/,
  );
  assert.match(
    report.html,
    /<h3>Accuracy lost under all perturbations <small>percentage points, lower is better<\/small>/,
  );
  assert.ok(!clean.html.includes("perturbed"));
});

test("the terminal has a table of losses, where there are any", () => {
  const [, table] = report.summary.split("accuracy lost under perturbed inputs, percentage points:");
  const rows = table.split("\n").filter((line) => line.startsWith("│"));
  assert.equal(rows.length, 1 + 1 + 4 * (3 + 1));
  assert.match(rows[0], /all perturbations │ +typos:0\.1 │ +case:0\.2:worst4/);
  assert.match(rows[1], /dense .* 3\.00 │ +2\.00 │ +4\.00/);
  assert.ok(report.summary.split("\n").every((line) => !line.startsWith("│") || line.length <= 120));
  assert.ok(!clean.summary.includes("perturbed"));
});

test("the CSV names the perturbation and what it cost, per cell and metric", () => {
  const rows: Record<string, string>[] = parse(report.csv, { columns: true });
  const perturbed = rows.filter(({ perturbation }) => perturbation !== "");
  assert.equal(perturbed.length, 2 * study.cells.length);
  for (const row of perturbed) {
    assert.equal(row.evaluation, `piqa@${row.perturbation}`);
    const before = rows.find(
      (each) =>
        each.evaluation === "piqa" && ["method", "source", "set", "noise"].every((key) => each[key] === row[key]),
    );
    assertNear(Number(row.clean_minus_perturbed), Number(before?.value) - Number(row.value));
  }
  for (const row of rows) if (row.perturbation === "") assert.equal(row.clean_minus_perturbed, "");
});

test("a study of perturbed tasks alone has a report, which says that the loss is not known", () => {
  const cells = [0.5, 0.6].map((acc, set) => cellOf({ method: "gptq", set }, { tasks: { "piqa@typos:0.1": acc } }));
  const { html, summary, csv } = buildReport(resultsOf(cells));
  assert.match(html, /what was lost is not known/);
  assert.match(html, /piqa@typos:0\.1/);
  assert.ok(!html.includes("mean accuracy") && !summary.includes("perturbed"));
  assert.match(csv, /typos:0\.1,$/m);
});
