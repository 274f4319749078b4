import assert from "node:assert/strict";
import { test } from "node:test";
import { correlationTail, rankAgreement, ranksOf } from "../../report/ranks.js";
import { halfWidth } from "../../report/student.js";
import { summarize } from "../../report/variance.js";

const pairsOf = (...second: number[]) => second.map((value, i) => [i, value] as const);

test("a rank correlation's p counts all orders as far from none: 2 of n! for the two perfect ones", () => {
  for (const [count, orders] of [
    [3, 6],
    [4, 24],
    [5, 120],
  ]) {
    const up = Array.from({ length: count }, (_, i) => i * i);
    const { correlation, pValue } = rankAgreement(pairsOf(...up));
    assert.ok(Math.abs((correlation ?? 0) - 1) < 1e-12);
    assert.equal(pValue, 2 / orders);
    assert.equal(rankAgreement(pairsOf(...up.reverse())).pValue, 2 / orders);
  }
});

test("more values than orders can be counted for have the p of Student's t", () => {
  // scipy.stats.spearmanr([0..8], [1, 0, 3, 2, 5, 4, 7, 6, 8]).
  const { correlation, pValue } = rankAgreement(pairsOf(1, 0, 3, 2, 5, 4, 7, 6, 8));
  assert.ok(Math.abs((correlation ?? 0) - 0.9333333333333333) < 1e-12);
  assert.ok(Math.abs((pValue ?? 0) - 0.00023589981215941651) < 1e-12, String(pValue));
});

test("fewer than three values, or one side all the same, have no correlation", () => {
  assert.deepEqual(rankAgreement(pairsOf(1, 2)), { count: 2, correlation: null, pValue: null });
  assert.deepEqual(rankAgreement(pairsOf(1, 1, 1, 1)), { count: 4, correlation: null, pValue: null });
  assert.equal(rankAgreement([...pairsOf(1, 2), [3, Number.NaN], [4, null]]).count, 2);
  assert.equal(correlationTail(0.5, 2), null);
});

test("ties share the mean of their ranks, the best first", () => {
  assert.deepEqual(ranksOf([0.5, 0.7, 0.5, 0.1], "highest"), [2.5, 1, 2.5, 4]);
  assert.deepEqual(ranksOf([20, 10, 30], "lowest"), [2, 1, 3]);
});

test("the half width of a mean's interval is Student's", () => {
  // t of 97.5 %: 12.7062 for one degree of freedom, 2.26216 for nine.
  assert.ok(Math.abs((halfWidth(summarize([0, 2])) ?? 0) - 12.7062047) < 1e-5);
  const ten = summarize([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.ok(Math.abs((halfWidth(ten) ?? 0) - (2.262157163 * (ten.standardDeviation ?? 0)) / Math.sqrt(10)) < 1e-6);
  assert.equal(halfWidth(summarize([1])), null);
});
