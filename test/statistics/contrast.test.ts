import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Estimate, estimate, holm, interval, pValue, smallestDetectable } from "../../statistics/contrast.js";
import { minus } from "../../statistics/outcomes.js";
import { setGroup } from "../../statistics/set-group.js";

const set = (...tasks: number[][]) => tasks.map((values) => Uint8Array.from(values));
const close = (actual: number | null | undefined, expected: number) =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 1e-12, `${actual} is not ${expected}`);

test("a group's parts of variance are those of a two-way table computed by hand", () => {
  const group = setGroup([set([1, 0, 0, 1]), set([1, 1, 0, 0])]);
  assert.deepEqual(group.means, [0.5, 0.5]);
  assert.deepEqual(Array.from(group.recordMeans[0]), [1, 0.5, 0, 0.5]);
  assert.equal(group.variance, 0);
  // Sets and records both account for their means: 1 of the squares is left, of (2 - 1)(4 - 1) degrees of freedom; over 4 records.
  close(group.recordNoise, 1 / 3 / 4);
});

test("the difference is that of the tasks' means, whatever the tasks' numbers of records", () => {
  const first = setGroup([set([1, 1], [1, 0, 0, 0]), set([1, 0], [0, 0, 0, 0])]);
  const second = setGroup([set([0, 0], [1, 0, 0, 0]), set([1, 0], [0, 1, 0, 0])]);
  close(
    estimate([
      [1, first],
      [-1, second],
    ])?.value,
    0.375 + 0.0625 - 0.25,
  );
});

test("sets that agree by chance are no more certain than their records", () => {
  const [first, second] = [
    setGroup([set([1, 0, 0, 1]), set([1, 1, 0, 0])]),
    setGroup([set([0, 0, 0, 1]), set([1, 0, 0, 0])]),
  ];
  const found = estimate([
    [1, first],
    [-1, second],
  ]);
  assert.ok(found !== null && found.standardError ** 2 >= ((first.recordNoise ?? 0) + (second.recordNoise ?? 0)) / 2);
});

test("with equal sets on both sides the degrees of freedom are Welch's", () => {
  const of = (counts: number[]) =>
    setGroup(counts.map((count) => set(Array.from({ length: 40 }, (_, i) => Number(i < count)))));
  const [first, second] = [of([10, 20, 30]), of([10, 20, 30])];
  const found = estimate([
    [1, first],
    [-1, second],
  ]);
  close(found?.value, 0);
  close(found?.freedom, 4);
  close((found?.standardError ?? 0) ** 2, (2 * 0.0625) / 3);
});

test("a single set has no estimate", () => {
  assert.equal(
    estimate([
      [1, setGroup([set([1, 0])])],
      [-1, setGroup([set([1, 0]), set([1, 1])])],
    ]),
    null,
  );
});

test("paired sets are compared by their differences", () => {
  const pairs = [
    [set([1, 1, 0, 1]), set([1, 0, 0, 1])],
    [set([1, 0, 0, 0]), set([0, 0, 0, 0])],
  ];
  const group = setGroup(pairs.map(([a, b]) => minus(a, b)));
  assert.deepEqual(group.means, [0.25, 0.25]);
  const found = estimate([[1, group]]);
  close(found?.value, 0.25);
});

test("the other way round the estimate has the other sign and the same error", () => {
  const outcomes = fc.array(fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 6, maxLength: 6 }), {
    minLength: 2,
    maxLength: 5,
  });
  fc.assert(
    fc.property(outcomes, outcomes, (a, b) => {
      const [first, second] = [a, b].map((sets) => setGroup(sets.map((values) => set(values))));
      const there = estimate([
        [1, first],
        [-1, second],
      ]) as Estimate;
      const back = estimate([
        [1, second],
        [-1, first],
      ]) as Estimate;
      close(there.value, -back.value);
      close(there.standardError, back.standardError);
      assert.ok(there.freedom >= Math.min(a.length, b.length) - 1 - 1e-9);
    }),
  );
});

test("interval and p agree on what is found", () => {
  const estimates = fc.record({
    value: fc.double({ min: -1, max: 1, noNaN: true }),
    standardError: fc.double({ min: 1e-3, max: 1, noNaN: true }),
    freedom: fc.double({ min: 1, max: 100, noNaN: true }),
  });
  fc.assert(
    fc.property(estimates, (own) => {
      const [low, high] = interval(own);
      if (Math.abs(pValue(own) - 0.05) > 1e-9) assert.equal(pValue(own) < 0.05, low > 0 || high < 0);
    }),
  );
});

test("without any variance equal values are no finding, and different ones are certain", () => {
  assert.equal(pValue({ value: 0, standardError: 0, freedom: 1e6 }), 1);
  assert.equal(pValue({ value: 0.1, standardError: 0, freedom: 1e6 }), 0);
});

test("the smallest detectable difference is that of the published multipliers", () => {
  // Bloom 1995, table 1: 2.80 standard errors for 80 % power at two-sided 5 %, with many degrees of freedom.
  const multiplier = smallestDetectable({ value: 0, standardError: 1, freedom: 1e6 }, 0.05);
  assert.ok(Math.abs(multiplier - 2.8) < 0.005, `${multiplier}`);
});

test("Holm's correction gives what R's p.adjust gives", () => {
  const corrected = holm([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((expected, i) => {
    close(corrected[i], expected);
  });
  assert.deepEqual(holm([]), []);
});
