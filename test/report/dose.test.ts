import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { doseSeries } from "../../report/dose.js";
import { doseSentence } from "../../report/dose-figure.js";
import { studyStatistics } from "../../report/statistics.js";
import { type MethodSettings, methodLabels, methodSettingsSchema } from "../../study/methods.js";
import { shown } from "./shown.js";
import { cellOf, resultsOf } from "./study.js";

const measure = { key: "tasksMean", id: "mean accuracy", kind: "tasksMean" } as const;

function studyOf(given: readonly object[], accuracies: readonly (readonly number[])[]) {
  const methods = given.map((settings): MethodSettings => methodSettingsSchema.parse(settings));
  const labels = methodLabels(methods);
  const cells = methods.flatMap((method, m) =>
    accuracies[m].map((piqa, set) => ({
      ...cellOf({ method: method.method, set }, { tasks: { piqa } }),
      method,
      methodLabel: labels[m],
    })),
  );
  const results = resultsOf(cells);
  const [model] = studyStatistics(results).models;
  return { results, model, series: doseSeries(results, model) };
}

test("a method's bits go from many to few, with the mean and the spread of each", () => {
  const given = [3, 4, 2].map((bits) => ({ method: "gptq", bits }));
  const { results, model, series } = studyOf(given, [
    [0.5, 0.52],
    [0.6, 0.6],
    [0.3, 0.4],
  ]);
  assert.deepEqual(
    series[0].doses.map(({ label }) => label),
    ["4 bits", "3 bits", "2 bits"],
  );
  assert.equal(
    doseSentence(series[0], model, measure),
    "Mean accuracy goes from 60.00 with 4 bits to 35.00 with 2 bits; the standard deviation over sets goes from 0 to 7.07.",
  );
  const { html } = buildReport(results);
  assert.match(html, /<h2>Bits and sparsity<\/h2>/);
  assert.match(shown(html), /<td>3 bits<\/td><td>51\.00 ± 1\.41/);
});

test("sparsities and patterns stand by the share that they prune", () => {
  const given = [{ pattern: "2:4" }, { sparsity: 0.7 }, { sparsity: 0.3 }].map((how) => ({ method: "wanda", ...how }));
  const { series } = studyOf(given, [[0.5], [0.3], [0.6]]);
  assert.deepEqual(
    series[0].doses.map(({ label, value }) => [label, value]),
    [
      ["30 %", 0.3],
      ["2:4", 0.5],
      ["70 %", 0.7],
    ],
  );
});

test("methods that differ in something else too are no doses of one another", () => {
  const given = [
    { method: "gptq", bits: 4 },
    { method: "gptq", bits: 3, groupSize: 64 },
    { method: "spqr", bits: 3 },
  ];
  const { results, series } = studyOf(given, [[0.5], [0.4], [0.4]]);
  assert.deepEqual(series, []);
  assert.match(
    buildReport(results).html,
    /How figures go with bits or sparsity: it needs a method that stands several times/,
  );
});

test("a dose without finite figures is left out of what is said", () => {
  const given = [4, 2].map((bits) => ({ method: "gptq", bits }));
  const { model, series } = studyOf(given, [[0.5, 0.52], []]);
  assert.deepEqual(series, []);
  const nan = studyOf(given, [[0.5, 0.52], [Number.NaN]]);
  assert.equal(
    doseSentence(nan.series[0], nan.model, measure),
    "Mean accuracy: fewer than two doses have a finite figure.",
  );
  assert.equal(model.methods.length, 1);
});
