import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { familyOf, modelSizeStatistics } from "../../report/model-size.js";
import { formatParameters, trendSentence } from "../../report/model-size-figure.js";
import { studyStatistics } from "../../report/statistics.js";
import type { StudyResults } from "../../study/results.js";
import { cellOf, resultsOf } from "./study.js";

/** Models with sets that lie so far apart. */
function studyOf(models: readonly { id: string; parameters: number | null; spread: number }[]): StudyResults {
  const cells = models.flatMap(({ id, spread }) =>
    [-1, 1].map((side, set) =>
      cellOf(
        { model: id, method: "gptq", set },
        { tasks: { piqa: 0.5 + side * spread }, perplexities: { text: 20 + side * 20 * spread } },
      ),
    ),
  );
  return resultsOf(cells, { models: models.map(({ id, parameters }) => ({ id, parameters, base: null })) });
}

const measure = { key: "tasksMean", id: "mean accuracy", kind: "tasksMean" } as const;
const statisticsOf = (results: StudyResults) => modelSizeStatistics(results, studyStatistics(results));

test("a family is what ids have in common besides the size", () => {
  assert.equal(familyOf("llama-7b"), familyOf("llama-13b"));
  assert.equal(familyOf("opt-6.7b"), "opt");
  assert.equal(familyOf("SmolLM2-135M-Instruct"), "SmolLM2-Instruct");
  assert.equal(familyOf("llama-7b-v1.3"), "llama-v1.3");
  assert.notEqual(familyOf("llama-7b"), familyOf("vicuna-7b"));
  assert.equal(familyOf("gemma"), "gemma");
});

test("five models whose spread falls with size are more robust the larger they are; perplexities as shares of their means", () => {
  const sizes = [7, 13, 33, 65, 1];
  const results = studyOf(sizes.map((size) => ({ id: `llama-${size}b`, parameters: size * 1e9, spread: 0.1 / size })));
  const [family] = statisticsOf(results);
  assert.deepEqual(
    family.models.map(({ id }) => id),
    ["llama-1b", "llama-7b", "llama-13b", "llama-33b", "llama-65b"],
  );
  const [accuracy, perplexity] = family.methods;
  accuracy.spreads.forEach((spread, i) => {
    assert.ok(Math.abs((spread ?? 0) - (perplexity.spreads[i] ?? 1)) < 1e-12);
  });
  assert.ok(Math.abs((accuracy.agreement.correlation ?? 0) + 1) < 1e-12);
  assert.equal(accuracy.agreement.pValue, 2 / 120);
  assert.equal(
    trendSentence(family, measure),
    "llama, 5 models, mean accuracy: larger models are more robust with gptq (ρ = −1.00, p = 0.017).",
  );
  assert.match(buildReport(results).html, /<h2>Dispersion against model size<\/h2>/);
});

test("three sizes in order are not called more robust: chance orders them so too often", () => {
  const results = studyOf([7, 13, 33].map((size) => ({ id: `llama-${size}b`, parameters: size, spread: 0.1 / size })));
  const [family] = statisticsOf(results);
  assert.match(
    trendSentence(family, measure),
    /not shown to be more or less robust with gptq \(ρ = −1\.00, p = 0\.33\)/,
  );
});

test("two sizes, unknown sizes and methods without data give no trend, and the report says what it would need", () => {
  const two = studyOf([7, 13].map((size) => ({ id: `llama-${size}b`, parameters: size, spread: 0.1 })));
  const unknown = studyOf([7, 13, 33].map((size) => ({ id: `llama-${size}b`, parameters: null, spread: 0.1 })));
  for (const results of [two, unknown]) {
    assert.deepEqual(statisticsOf(results), []);
    assert.match(buildReport(results).html, /Whether larger models are more robust: it needs models of three sizes/);
  }
  const { models: _, ...earlier } = two;
  assert.deepEqual(statisticsOf(earlier), []);
});

test("a model without finished cells has no place in its family's trend", () => {
  const sizes = [1, 7, 13, 33];
  const results = studyOf(sizes.map((size) => ({ id: `llama-${size}b`, parameters: size, spread: 0.1 / size })));
  const [family] = statisticsOf({
    ...results,
    cells: results.cells.filter(({ model, set }) => model !== "llama-7b" || set === 0),
  });
  assert.equal(family.methods[0].spreads[1], null);
  assert.equal(family.methods[0].agreement.count, 3);
});

test("parameters are written as they are in models' names", () => {
  assert.deepEqual([6.74e9, 13.02e9, 134.5e6, 1.1e9, 5000].map(formatParameters), [
    "6.7B",
    "13B",
    "135M",
    "1.1B",
    "5k",
  ]);
});
