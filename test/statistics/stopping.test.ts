import assert from "node:assert/strict";
import { test } from "node:test";
import { knowledgeAfter, sequentialHalfWidth } from "../../statistics/stopping.js";
import { generatorOf } from "../../storage/generator.js";
import { normalValues } from "../simulation/draw.js";

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mixture's evidence against a mean (Wang & Ramdas 2025, Theorem 4.9), as it stands there. */
function evidenceAgainst(center: number, values: readonly number[], precision: number): number {
  const n = values.length;
  const sum = values.reduce((all, value) => all + value - center, 0);
  const squares = values.reduce((all, value) => all + (value - center) ** 2, 0);
  const share = ((n + precision) * squares) / ((n + precision) * squares - sum ** 2);
  return Math.sqrt(precision / (n + precision)) * share ** (n / 2);
}

test("the interval ends where the mixture's evidence against a mean is 20", () => {
  for (const values of [
    [41.2, 41.9, 40.7],
    [0.31, 0.3, 0.29, 0.33, 0.305, 0.31, 0.32],
    [9, 5, 1, 2, 3, 3, 2, 1, 9, 15, 3, 2],
  ]) {
    const halfWidth = sequentialHalfWidth(values);
    assert.ok(halfWidth !== null);
    for (const end of [mean(values) - halfWidth, mean(values) + halfWidth]) {
      // Squares cancel: some bits are lost.
      assert.ok(Math.abs(evidenceAgainst(end, values, 0.1) / 20 - 1) < 1e-9, `${evidenceAgainst(end, values, 0.1)}`);
    }
  }
});

test("it has the values' unit, and is the same wherever they lie", () => {
  const values = [3, 1, 4, 1, 5];
  const width = sequentialHalfWidth(values) ?? 0;
  // Each of some ten operations rounds once.
  assert.ok(Math.abs((sequentialHalfWidth(values.map((value) => 8 * value + 64)) ?? 0) / width - 8) < 1e-12);
});

test("nothing is said by too few values, by equal ones, or where one isn't finite", () => {
  for (const values of [[], [1], [1, 2], [2, 2, 2, 2, 2], [1, 2, Number.NaN], [1, 2, 3, Number.POSITIVE_INFINITY]]) {
    assert.equal(sequentialHalfWidth(values), null, String(values));
  }
});

test("the first look at which it is narrow enough decides, not before the minimum, whatever comes after", () => {
  const values = [1, 1.01, 0.99, 1, 5, 9];
  const rule = { halfWidth: 0.1, minimum: 3 };
  const known = knowledgeAfter(values, rule);
  assert.deepEqual([known.count, known.known, known.mean], [3, true, mean(values.slice(0, 3))]);
  assert.deepEqual(knowledgeAfter(values.slice(0, 3), rule), known);
  assert.equal(knowledgeAfter(values, { ...rule, minimum: 4 }).count, 4);
  assert.equal(knowledgeAfter(values.slice(0, 2), rule).known, false);
  const wide = knowledgeAfter(values, { ...rule, halfWidth: 0.001 });
  assert.deepEqual([wide.count, wide.known, wide.halfWidth], [6, false, sequentialHalfWidth(values)]);
});

test("of normal values no look from the third to the tenth misses the mean in more than a twentieth of studies", () => {
  const generator = generatorOf("coverage of the sequential interval");
  const studies = 4000;
  let missed = 0;
  for (let study = 0; study < studies; study++) {
    const values = normalValues(10, generator);
    const looks = [3, 4, 5, 6, 7, 8, 9, 10].map((count) => values.slice(0, count));
    if (looks.some((seen) => Math.abs(mean(seen)) > (sequentialHalfWidth(seen) ?? Number.POSITIVE_INFINITY))) missed++;
  }
  // The bound is 5 % for infinitely many looks; these eight use some 2 % of it.
  assert.ok(missed > 0.01 * studies && missed <= 0.05 * studies, `${missed} of ${studies}`);
});
