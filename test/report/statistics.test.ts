import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type MethodStatistics, studyStatistics } from "../../report/statistics.js";
import type { CellResult } from "../../study/results.js";
import { realisticStudy } from "./realistic.js";
import { cellOf, resultsOf, settingsOf } from "./study.js";

function methodOf(cells: readonly CellResult[]): MethodStatistics {
  const [method] = studyStatistics(resultsOf(cells)).models[0].methods;
  return method;
}

test("task means are taken per set first, then over sets", () => {
  const cells = [
    cellOf({ method: "gptq", set: 0 }, { tasks: { piqa: 0.5, boolq: 0.75 } }),
    cellOf({ method: "gptq", set: 1 }, { tasks: { piqa: 0.75, boolq: 0.5 } }),
  ];
  const { measures } = methodOf(cells).sizes[0].sources[0];
  assert.equal(measures["task:piqa"].standardDeviation, Math.sqrt(0.03125));
  assert.deepEqual(measures.tasksMean, {
    count: 2,
    excluded: 0,
    mean: 0.625,
    standardDeviation: 0,
    min: 0.625,
    max: 0.625,
  });
});

test("a set that lacks a task has no tasks' mean", () => {
  const cells = [
    cellOf({ method: "gptq", set: 0 }, { tasks: { piqa: 0.5, boolq: 0.5 } }),
    cellOf({ method: "gptq", set: 1 }, { tasks: { piqa: 0.9 } }),
  ];
  const { measures } = methodOf(cells).sizes[0].sources[0];
  assert.equal(measures.tasksMean.count, 1);
  assert.equal(measures["task:piqa"].count, 2);
});

test("the pooled range runs over the sets of all sources", () => {
  const values = { news: [10, 12], novel: [9, 15] };
  const cells = Object.entries(values).flatMap(([source, list]) =>
    list.map((value, set) => cellOf({ method: "gptq", source, set }, { perplexities: { text: value } })),
  );
  const [size] = methodOf(cells).sizes;
  const { min, max, mean, count, withinSources } = size.pooled["perplexity:text"];
  assert.deepEqual({ min, max, mean, count }, { min: 9, max: 15, mean: 11.5, count: 4 });
  // Squares within: 2 and 18, over 2 degrees of freedom.
  assert.equal(withinSources, Math.sqrt(10));
});

test("the dense model is the reference and belongs to no method", () => {
  const cells = [cellOf({}, { tasks: { piqa: 0.7 } }), cellOf({ method: "gptq" }, { tasks: { piqa: 0.6 } })];
  const [model] = studyStatistics(resultsOf(cells)).models;
  assert.deepEqual(model.dense, { tasksMean: { value: 0.7 }, "task:piqa": { value: 0.7 } });
  assert.deepEqual(
    model.methods.map(({ method }) => method),
    ["gptq"],
  );
});

test("tables take acc_norm where a task has it, if the study asks for it", () => {
  const [plain] = [cellOf({ method: "gptq" }, { tasks: { piqa: 0.5, boolq: 0.25 } })];
  const [piqa, boolq] = plain.evaluations;
  const cell = { ...plain, evaluations: [{ ...piqa, metrics: { ...piqa.metrics, acc_norm: { value: 0.75 } } }, boolq] };
  const meanOf = (tableMetric: "acc" | "accNorm") =>
    studyStatistics(resultsOf([cell], { tableMetric })).models[0].methods[0].sizes[0].pooled.tasksMean.mean;
  assert.equal(meanOf("acc"), 0.375);
  assert.equal(meanOf("accNorm"), 0.5);
});

test("a task and a perplexity text of the same name are two measures", () => {
  const cell = cellOf({ method: "gptq" }, { tasks: { same: 0.5 }, perplexities: { same: 20 } });
  const { measures } = studyStatistics(resultsOf([cell]));
  assert.deepEqual(
    measures.map(({ key }) => key),
    ["tasksMean", "task:same", "perplexity:same"],
  );
});

test("a null control passes if and only if every metric is the same in all cells", () => {
  const same = [0, 1, 2].map((set) => cellOf({ method: "rtn", set }, { tasks: { piqa: 0.1 } }));
  assert.deepEqual(methodOf(same).nullControl, { cells: 3, verdict: "pass", spread: 0, spreading: [] });
  const other = cellOf({ method: "rtn", source: "novel" }, { tasks: { piqa: 0.1 + 2 ** -50 } });
  const { verdict, spread, spreading } = methodOf([...same, other]).nullControl ?? {};
  assert.equal(verdict, "fail");
  assert.ok(spread !== null && spread !== undefined && spread > 0 && spread < 2 ** -49);
  assert.deepEqual(spreading, ["piqa acc"]);
});

test("a null control of figures that are all infinite passes, of one that is infinite fails", () => {
  const cells = (values: readonly number[]) =>
    values.map((text, set) => cellOf({ method: "magnitude", set }, { perplexities: { text } }));
  const inf = Number.POSITIVE_INFINITY;
  assert.equal(methodOf(cells([inf, inf])).nullControl?.verdict, "pass");
  const { verdict, spread } = methodOf(cells([inf, 30])).nullControl ?? {};
  assert.deepEqual({ verdict, spread }, { verdict: "fail", spread: null });
});

test("a null control ignores noise replicates, and one cell is no control", () => {
  const cells = [
    cellOf({ method: "rtn" }, { tasks: { piqa: 0.5 } }),
    cellOf({ method: "rtn", noise: 0 }, { tasks: { piqa: 0.6 } }),
  ];
  assert.deepEqual(methodOf(cells).nullControl, { cells: 1, verdict: "unmeasured", spread: 0, spreading: [] });
});

test("methods that use data have no null control", () => {
  assert.equal(methodOf([cellOf({ method: "gptq" }, { tasks: { piqa: 0.5 } })]).nullControl, null);
});

function floorOf(sets: readonly number[], noise: readonly number[]) {
  const cells = [
    ...sets.map((text, set) => cellOf({ method: "gptq", set }, { perplexities: { text } })),
    ...noise.map((text, n) => cellOf({ method: "gptq", noise: n }, { perplexities: { text } })),
  ];
  return methodOf(cells).noise["perplexity:text"];
}

test("a spread at most twice the noise's can't be told from it", () => {
  const { verdict, ratio } = floorOf([20, 22, 24], [30, 31, 32]);
  assert.deepEqual({ verdict, ratio }, { verdict: "within", ratio: 2 });
});

test("a large spread with few replicates stays unsure, with enough of them it is clear", () => {
  const sets = [20, 24, 28, 22, 26, 25];
  assert.equal(floorOf(sets, [20, 21]).verdict, "unclear");
  assert.equal(floorOf(sets, [20, 21, 20.5, 20.2, 20.8, 20.4]).verdict, "above");
});

test("replicates that agree exactly don't prove a spread to be real", () => {
  assert.equal(floorOf([20, 24], [21, 21]).verdict, "unclear");
  assert.equal(floorOf([20, 20], [21, 21]).verdict, "within");
});

test("without two replicates the noise is not measured", () => {
  assert.equal(floorOf([20, 24], []).verdict, "unmeasured");
  assert.equal(floorOf([20, 24], [20]).verdict, "unmeasured");
});

test("sets of other sizes than the replicates' stay out of the comparison with noise", () => {
  const cell = (size: number, set: number, text: number) =>
    cellOf({ method: "gptq", size, set }, { perplexities: { text } });
  const cells = [
    cell(16, 0, 50),
    cell(16, 1, 90),
    cell(64, 0, 20),
    cell(64, 1, 21),
    cellOf({ method: "gptq", size: 64, noise: 0 }, { perplexities: { text: 22 } }),
  ];
  const { sizes, noise } = methodOf(cells);
  assert.deepEqual(
    sizes.map(({ size }) => size),
    [16, 64],
  );
  assert.equal(noise["perplexity:text"].sets.max, 21);
  assert.ok((sizes[0].pooled["perplexity:text"].standardDeviation ?? 0) > 20);
});

test("methods are compared on the sets that both have", () => {
  const cell = (method: "gptq" | "wanda", set: number, text: number) =>
    cellOf({ method, set }, { perplexities: { text } });
  const cells = [
    cell("gptq", 0, 10),
    cell("gptq", 1, 11),
    cell("gptq", 2, 99),
    cell("wanda", 0, 12),
    cell("wanda", 1, 15),
  ];
  const [{ first, second, measures }] = studyStatistics(resultsOf(cells)).models[0].methodDifferences;
  assert.deepEqual([first, second, measures["perplexity:text"].mean], ["gptq", "wanda", -3]);
});

test("accuracy and perplexity that name the same sets as good have rank correlation -1", () => {
  const cells = [0.5, 0.6, 0.7].map((piqa, set) =>
    cellOf({ method: "gptq", set }, { tasks: { piqa }, perplexities: { text: 30 - set } }),
  );
  const agreement = methodOf(cells).sizes[0].agreement["perplexity:text"];
  assert.ok(agreement !== null && Math.abs(agreement + 1) < 1e-12);
});

test("a method whose cells all failed is still listed", () => {
  const coordinates = {
    model: "tiny",
    method: settingsOf("wanda"),
    methodLabel: "wanda",
    source: "news",
    size: 8,
    set: 0,
    noise: null,
  };
  const failed = [{ ...coordinates, errorType: "OutOfMemory", message: "…", at: null, worker: null, log: [] }];
  const [model] = studyStatistics(resultsOf([], { failed })).models;
  assert.deepEqual(
    model.methods.map(({ method, sizes }) => [method, sizes.length]),
    [["wanda", 0]],
  );
});

test("statistics don't depend on the order in which sets finished", () => {
  const study = realisticStudy();
  const normal = JSON.stringify(methodTable(study.cells));
  fc.assert(
    fc.property(fc.shuffledSubarray([...study.cells], { minLength: study.cells.length }), (cells) => {
      assert.equal(JSON.stringify(methodTable(cells)), normal);
    }),
    { numRuns: 20 },
  );

  function methodTable(cells: readonly CellResult[]) {
    const { models } = studyStatistics({ ...study, cells });
    const rows = models[0].methods.flatMap(({ method, sizes, noise }) =>
      sizes[0].sources.map(({ source, measures }) => {
        const { min, max, mean } = measures["perplexity:heldout-novel"];
        return [method, source, min, max, mean?.toPrecision(12), noise.tasksMean.verdict].join();
      }),
    );
    return rows.sort();
  }
});

test("the statistics of a whole study are plain JSON", () => {
  const statistics = studyStatistics(realisticStudy({ sizes: [16, 128] }));
  assert.deepEqual(JSON.parse(JSON.stringify(statistics)), statistics);
});
