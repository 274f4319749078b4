import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { studyStatistics } from "../../report/statistics.js";
import { equalSpreadTail, tunedPairs } from "../../report/tuned-pairs.js";
import { pairSentence } from "../../report/tuned-pairs-table.js";
import type { StudyResults } from "../../study/results.js";
import { cellOf, resultsOf } from "./study.js";

const measure = { key: "tasksMean", id: "mean accuracy", kind: "tasksMean" } as const;
const models = [
  { id: "base", parameters: null, base: null },
  { id: "tuned", parameters: null, base: "base" },
];

/** Two sets a source: [base, tuned] by source. */
function studyOf(sources: Record<string, readonly (readonly [number, number])[]>): StudyResults {
  const cells = Object.entries(sources).flatMap(([source, sets]) =>
    sets.flatMap((pair, set) =>
      ["base", "tuned"].map((model, side) =>
        cellOf({ model, method: "gptq", source, set }, { tasks: { piqa: pair[side] } }),
      ),
    ),
  );
  return resultsOf(cells, { models });
}

const pairsOf = (results: StudyResults) => tunedPairs(results, studyStatistics(results));

test("a tuned model that spreads thrice as far on the same sets, and ranks the sources alike, is said to", () => {
  const noise = [0.004, -0.003, 0.002, -0.005, 0.001, 0.003, -0.004, 0.005, -0.002, -0.001];
  const levels = ["a", "b", "c", "d", "e"].map((source, i) => [source, 0.5 + 0.02 * i] as const);
  const study = studyOf(
    Object.fromEntries(
      levels.map(([source, level], i) => [
        source,
        [0, 1].map((set) => [level, 0.4 + 3 * (level - 0.5) + noise[2 * i + set]] as const),
      ]),
    ),
  );
  const [pair] = pairsOf(study);
  const [{ baseSpread, tunedSpread, pValue, sources }] = pair.comparisons;
  assert.equal(baseSpread.count, 10);
  assert.ok((tunedSpread.standardDeviation ?? 0) > 2.5 * (baseSpread.standardDeviation ?? 1));
  assert.ok(pValue !== null && pValue < 0.001);
  assert.deepEqual([sources.count, sources.pValue], [5, 2 / 120]);
  assert.equal(
    pairSentence(pair, measure),
    "tuned beside its base base, mean accuracy: its spread is larger with gptq; both rank the sources alike with gptq.",
  );
  assert.match(buildReport(study).html, /<h2>Base and tuned models<\/h2>/);
});

test("the test of equal spreads is that of the sum with the difference", () => {
  const pairs = [
    [1, 2],
    [2, 1],
    [3, 5],
    [4, 3],
    [5, 9],
    [6, 4],
  ] as const;
  // scipy.stats.pearsonr(x + y, x - y).pvalue
  assert.ok(Math.abs((equalSpreadTail(pairs) ?? 0) - 0.34576886912913163) < 1e-9);
  assert.equal(equalSpreadTail(pairs.slice(0, 3)), null);
  assert.equal(equalSpreadTail(pairs.map(([a]) => [a, a])), null);
});

test("sets that one of both lacks don't count, and too few give no number", () => {
  const study = studyOf({
    a: [
      [0.5, 0.4],
      [0.6, Number.NaN],
    ],
    b: [
      [0.5, 0.45],
      [0.51, 0.4],
    ],
  });
  const [pair] = pairsOf(study);
  const [{ baseSpread, pValue, sources }] = pair.comparisons;
  assert.deepEqual([baseSpread.count, pValue, sources.correlation], [3, null, null]);
  assert.match(pairSentence(pair, measure), /too few common sets to compare the spread with gptq; too few sources/);
});

test("models are compared where the specification names a base, and a base without cells is named", () => {
  const study = studyOf({ a: [[0.5, 0.4]] });
  assert.deepEqual(pairsOf({ ...study, models: models.map((model) => ({ ...model, base: null })) }), []);
  const [pair] = pairsOf({ ...study, cells: study.cells.filter(({ model }) => model === "tuned") });
  assert.deepEqual(pair.comparisons, []);
  assert.match(pairSentence(pair, measure), /no method that uses data has finished cells of both yet/);
});
