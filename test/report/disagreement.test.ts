import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { disagreements } from "../../report/disagreement.js";
import { extremes } from "../../report/extremes.js";
import { studyStatistics } from "../../report/statistics.js";
import { shown } from "./shown.js";
import { cellOf, resultsOf } from "./study.js";

/** One set each: accuracy and perplexity. */
function studyOf(figures: readonly (readonly [number, number])[]) {
  const results = resultsOf(
    figures.map(([piqa, text], set) => cellOf({ method: "gptq", set }, { tasks: { piqa }, perplexities: { text } })),
  );
  const statistics = studyStatistics(results);
  return { results, statistics, model: statistics.models[0] };
}

test("the sets that perplexity and accuracy rank most differently come first", () => {
  const { results, statistics, model } = studyOf([
    [0.9, 14],
    [0.8, 11],
    [0.7, 12],
    [0.6, 13],
  ]);
  const [{ sets, cells }] = disagreements(results, statistics, model);
  assert.equal(sets, 4);
  assert.deepEqual(
    cells.map(({ set, rankByPerplexity, rankByAccuracy }) => [set, rankByPerplexity, rankByAccuracy]),
    [
      [0, 4, 1],
      [1, 1, 2],
      [2, 2, 3],
      [3, 3, 4],
    ],
  );
  assert.match(shown(buildReport(results).html), /<td>4 of 4<\/td><td>1 of 4<\/td>/);
});

test("sets that both rank alike are none, and few sets aren't ranked", () => {
  const alike = studyOf([0, 1, 2, 3].map((i) => [0.9 - 0.1 * i, 10 + i]));
  assert.deepEqual(disagreements(alike.results, alike.statistics, alike.model)[0].cells, []);
  assert.match(buildReport(alike.results).html, /both rank all sets alike/);
  const few = studyOf([
    [0.9, 14],
    [0.8, Number.NaN],
    [0.8, 12],
    [0.7, 13],
  ]);
  assert.deepEqual(disagreements(few.results, few.statistics, few.model)[0], { ...FEW, cells: [] });
  assert.match(buildReport(few.results).html, /3 sets with both figures are too few to rank/);
});

const FEW = { method: "gptq", measure: "perplexity:text", sets: 3 };

test("the extremes of each task and text are named with their sets, without what isn't finite", () => {
  const { results, statistics, model } = studyOf([
    [0.9, 14],
    [0.8, Number.POSITIVE_INFINITY],
    [0.7, 13],
  ]);
  const found = extremes(results, statistics, model);
  assert.deepEqual(
    found.map(({ measure, least, most }) => [measure, least.set, most.set]),
    [
      ["tasksMean", 2, 0],
      ["task:piqa", 2, 0],
      ["perplexity:text", 2, 0],
    ],
  );
  const single = studyOf([[0.9, 14]]);
  assert.deepEqual(extremes(single.results, single.statistics, single.model), []);
});
