import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { binomialInterval, tQuantile, tTail, varianceRatioTail } from "../../statistics/distributions.js";

test("the tail of F has the values of published tables", () => {
  const table = [
    [161.4476, 1, 1],
    [19.2964, 5, 2],
    [230.1619, 5, 1],
    [2.9782, 10, 10],
    [3.0984, 3, 20],
    [1.5343, 60, 60],
  ];
  for (const [ratio, d1, d2] of table)
    assert.ok(Math.abs(varianceRatioTail(ratio, d1, d2) - 0.05) < 2e-5, `${d1}, ${d2}`);
});

test("the tail of F falls from 1 to 0 and mirrors its reciprocal", () => {
  assert.equal(varianceRatioTail(0, 3, 4), 1);
  assert.equal(varianceRatioTail(Number.POSITIVE_INFINITY, 3, 4), 0);
  const freedom = fc.integer({ min: 1, max: 200 });
  fc.assert(
    fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), freedom, freedom, (ratio, d1, d2) => {
      const tail = varianceRatioTail(ratio, d1, d2);
      assert.ok(tail >= 0 && tail <= 1);
      assert.ok(varianceRatioTail(ratio * 1.1, d1, d2) <= tail + 1e-12);
      assert.ok(Math.abs(tail + varianceRatioTail(1 / ratio, d2, d1) - 1) < 1e-9);
    }),
  );
});

test("quantiles of Student's t are those of published tables, also between whole degrees of freedom", () => {
  const published = [
    [1, 0.05, 12.7062],
    [2, 0.05, 4.3027],
    [10, 0.01, 3.1693],
    [1e6, 0.05, 1.96],
    // scipy.stats.t.isf(0.025, 4.7)
    [4.7, 0.05, 2.6207],
  ];
  for (const [freedom, tail, value] of published)
    assert.ok(Math.abs(tQuantile(tail, freedom) - value) < 1e-4, `${freedom}, ${tail}`);
});

test("the tail beyond a quantile of Student's t is the one asked for", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-6, max: 0.9, noNaN: true }),
      (freedom, tail) => {
        assert.ok(Math.abs(tTail(tQuantile(tail, freedom), freedom) / tail - 1) < 1e-6);
      },
    ),
  );
});

test("binomial intervals are Clopper and Pearson's", () => {
  // scipy.stats.beta.ppf(0.025, 3, 198) and (0.975, 4, 197)
  const [low, high] = binomialInterval(3, 200);
  assert.ok(Math.abs(low - 0.003104107621553509) < 1e-12 && Math.abs(high - 0.0432082819177126) < 1e-12);
  assert.equal(binomialInterval(0, 10)[0], 0);
  assert.equal(binomialInterval(10, 10)[1], 1);
});
