import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "../../report/build.js";
import { type SizeCurve, sizeCurves, sufficientSize } from "../../report/size-curve.js";
import { sizeSentence } from "../../report/size-curve-table.js";
import { studyStatistics } from "../../report/statistics.js";
import type { CellResult } from "../../study/results.js";
import { cellOf, resultsOf } from "./study.js";

/** Sets of some sizes; `values[size]` are the accuracies of their sets. */
function cellsOf(values: Record<number, readonly number[]>, replicates: readonly number[] = []): CellResult[] {
  const sets = Object.entries(values).flatMap(([size, list]) =>
    list.map((piqa, set) => cellOf({ method: "gptq", size: Number(size), set }, { tasks: { piqa } })),
  );
  const size = Math.max(...Object.keys(values).map(Number));
  const jittered = replicates.map((piqa, noise) =>
    cellOf({ method: "gptq", size, set: 0, noise }, { tasks: { piqa } }),
  );
  return [...sets, ...jittered];
}

function curveOf(cells: readonly CellResult[]): SizeCurve {
  const results = resultsOf(cells);
  const statistics = studyStatistics(results);
  const [curve] = sizeCurves(results, statistics, statistics.models[0]);
  return curve;
}

const measure = { key: "tasksMean", id: "mean accuracy", kind: "tasksMean" } as const;
const replicates = [0.49, 0.5, 0.51];

test("gains are paired by set, per doubling, whatever the sets' own levels are", () => {
  const { steps } = curveOf(cellsOf({ 2: [0.3, 0.6], 8: [0.34, 0.68] }));
  assert.equal(steps.length, 1);
  // 0.04 and 0.08 over two doublings.
  assert.ok(Math.abs((steps[0].gain.mean ?? 0) - 0.03) < 1e-12);
  assert.equal(steps[0].gain.count, 2);
});

test("a curve is settled from the size after which no doubling gains more than the noise", () => {
  const curve = curveOf(
    cellsOf({ 1: [0.3, 0.32], 2: [0.36, 0.37], 4: [0.41, 0.43], 8: [0.412, 0.431], 16: [0.413, 0.43] }, replicates),
  );
  assert.equal(curve.against.kind, "noise");
  assert.deepEqual([curve.verdict, curve.size], ["settled", 4]);
  assert.equal(sufficientSize([curve], "gptq", "tasksMean"), 4);
  assert.equal(sufficientSize([curve], "wanda", "tasksMean"), undefined);
  assert.match(
    sizeSentence(curve, measure),
    /^Mean accuracy: after 4 examples a doubling gains less than the noise \(\+0\.15 points at most, noise 1\.00\)\.$/,
  );
});

test("a small gain between large ones doesn't settle a curve", () => {
  const curve = curveOf(cellsOf({ 1: [0.3, 0.31], 2: [0.301, 0.312], 4: [0.36, 0.37] }, replicates));
  assert.deepEqual([curve.verdict, curve.size], ["rising", null]);
  assert.match(sizeSentence(curve, measure), /up to 4 examples each doubling counts|more examples may help/);
});

test("what loses with more examples gains less than the noise", () => {
  const curve = curveOf(cellsOf({ 1: [0.4, 0.42], 2: [0.3, 0.31] }, replicates));
  assert.deepEqual([curve.verdict, curve.size], ["settled", 1]);
});

test("without replicates, and where they all agree, a gain counts if its interval lies above 0", () => {
  const clear = { 1: [0.3, 0.31, 0.32], 2: [0.4, 0.412, 0.421], 4: [0.41, 0.4, 0.43] };
  for (const jittered of [[], [0.5, 0.5]]) {
    const curve = curveOf(cellsOf(clear, jittered));
    assert.equal(curve.against.kind, "interval");
    assert.deepEqual([curve.verdict, curve.size], ["settled", 2]);
    assert.match(sizeSentence(curve, measure), /after 2 examples no gain of a doubling can be told from 0/);
  }
});

test("lower perplexities are gains", () => {
  const cells = [1, 2].flatMap((size) =>
    [0, 1].map((set) => cellOf({ method: "gptq", size, set }, { perplexities: { text: 30 + set - 5 * size } })),
  );
  const { steps } = curveOf(cells);
  assert.equal(steps[0].gain.mean, 5);
});

test("too few sets at both sizes give no number, and the report says what is missing", () => {
  const cells = cellsOf({ 1: [0.3, 0.31], 2: [0.36] }, replicates);
  const curve = curveOf(cells);
  assert.deepEqual([curve.verdict, curve.size, curve.steps[0].halfWidth], ["unmeasured", null, null]);
  assert.match(sizeSentence(curve, measure), /not known: 1 set has finite figures both of 1 and of 2 sequences/);
  assert.match(buildReport(resultsOf(cells)).html, /too few sets <small>\(1\)/);
});

test("figures that aren't finite are left out of gains and counted", () => {
  const cells = [1, 2].flatMap((size) =>
    [0, 1, 2].map((set) => {
      const text = size === 2 && set === 0 ? Number.POSITIVE_INFINITY : 30 - size - set;
      return cellOf({ method: "gptq", size, set }, { perplexities: { text } });
    }),
  );
  const { gain } = curveOf(cells).steps[0];
  assert.deepEqual([gain.count, gain.excluded, gain.mean], [2, 1, 1]);
});

test("a study of one size has no curve, and says what it would need", () => {
  const results = resultsOf(cellsOf({ 8: [0.3, 0.31] }));
  const statistics = studyStatistics(results);
  assert.deepEqual(sizeCurves(results, statistics, statistics.models[0]), []);
  assert.match(buildReport(results).html, /How many examples suffice: it needs .*calibration\.sizes/);
});
