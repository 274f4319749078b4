import assert from "node:assert/strict";
import { test } from "node:test";
import { madeUpPool, recordedPools } from "./fixture.js";
import { drawPair, meanOf, type Pool } from "./pool.js";
import { type Simulated, simulateDifferences } from "./source-differences.js";

const real = await recordedPools();
const REPORT = "sets and records (the report's)";
const run = (pools: readonly Pool[], difference: number, perSource: number): Record<string, Simulated> =>
  Object.fromEntries(
    simulateDifferences(pools, { studies: 200, perSource, difference, seed: "test" }).map((each) => [
      each.method,
      each,
    ]),
  );

for (const perSource of [3, 5]) {
  test(`of 200 null pairs of sources with ${perSource} real sets at most 5 % are found to differ`, () => {
    const { [REPORT]: own } = run(real, 0, perSource);
    assert.ok(own.found.share <= 0.05, `${own.found.share}`);
    assert.ok(own.covered.share >= 0.95, `${own.covered.share}`);
  });
}

test("nor are more of pairs whose sets differ much, which a percentile bootstrap takes for findings", () => {
  const { [REPORT]: own, "two-level bootstrap, percentiles": bootstrap } = run([madeUpPool()], 0, 3);
  // More than 5 % would be sure: the interval of the share is above.
  assert.ok(own.found.low <= 0.05, `${own.found.share}`);
  assert.ok(bootstrap.found.low > 0.05, `${bootstrap.found.share}`);
});

test("a true difference between real sets is found more often than by an unpaired z-test, and the intervals hold it", () => {
  const { [REPORT]: own, "unpaired z-test": unpaired } = run(real, 0.05, 5);
  assert.ok(own.found.low > unpaired.found.high, `${own.found.share} and ${unpaired.found.share}`);
  // Of 200 intervals that hold the truth with 95 %, fewer than 181 have a probability under 0.5 %.
  assert.ok(own.covered.share >= 181 / 200, `${own.covered.share}`);
});

test("the difference that is asked for is true of what is drawn", () => {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const level = (sets: readonly (readonly ArrayLike<number>[])[]) => meanOf(sets.map((set) => meanOf(set.map(meanOf))));
  const differences = Array.from({ length: 400 }, () => {
    const { first, second } = drawPair(real[0], 3, 0.05, uniform);
    return level(first) - level(second);
  });
  assert.ok(Math.abs(meanOf(differences) - 0.05) < 0.005, `${meanOf(differences)}`);
});
