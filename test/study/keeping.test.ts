import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type KeepingCosts, keepingInterval, secondsBetweenLosses } from "../../study/keeping.js";

const seconds = (max: number) => fc.double({ min: 1e-3, max, noNaN: true });
const costs = fc.record({
  write: seconds(1e4),
  forward: seconds(1e4),
  block: seconds(1e5),
  betweenLosses: seconds(1e7),
});

/** Seconds a block that a boundary every n blocks costs on average. */
const overhead = ({ write, forward, block, betweenLosses }: KeepingCosts, n: number) =>
  write / n + (((n / 2) * forward) / betweenLosses) * block;

test("the interval costs no more than one less or one more would, but for rounding", () => {
  fc.assert(
    fc.property(costs, (each) => {
      const n = keepingInterval(each);
      assert.ok(Number.isInteger(n) && n >= 1);
      // Rounded to the nearest: at 1.5 the other whole number costs less by a 26th, elsewhere by less than that.
      for (const other of [n - 1, n + 1].filter((m) => m >= 1))
        assert.ok(overhead(each, n) <= overhead(each, other) * (26.01 / 25), `${n}, ${other}`);
    }),
  );
});

test("with what is lost computed as it was, it is Young's: sqrt(2 write betweenLosses) seconds", () => {
  const block = 10;
  const interval = keepingInterval({ write: 50, forward: block, block, betweenLosses: 1e6 });
  assert.equal(interval, Math.round(Math.sqrt(2 * 50 * 1e6) / block));
});

test("it grows with the cost of writing and the time between losses, and shrinks with the cost of passing forward", () => {
  fc.assert(
    fc.property(costs, (each) => {
      const n = keepingInterval(each);
      assert.ok(keepingInterval({ ...each, write: 2 * each.write }) >= n);
      assert.ok(keepingInterval({ ...each, betweenLosses: 2 * each.betweenLosses }) >= n);
      assert.ok(keepingInterval({ ...each, forward: 2 * each.forward }) <= n);
    }),
  );
});

test("a pass forward that costs nothing needs no boundary", () => {
  assert.equal(keepingInterval({ write: 1, forward: 0, block: 1, betweenLosses: 1 }), Number.POSITIVE_INFINITY);
});

test("while no loss was seen it is once a day at the most; losses that are seen soon outweigh that", () => {
  assert.equal(secondsBetweenLosses({ seconds: 0, losses: 0 }), 86_400);
  assert.ok(secondsBetweenLosses({ seconds: 86_400, losses: 0 }) > 86_400);
  const often = secondsBetweenLosses({ seconds: 100 * 600, losses: 100 });
  assert.ok(often > 600 && often < 2 * 900, String(often));
});
