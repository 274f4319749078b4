import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { besidePilot, costOf, halvingRungs, leastShare, survivorsOf, withPilot } from "../../statistics/halving.js";

const counts = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 5 });

test("rounds halve the candidates, raise the records, end with all records, and keep to the budget", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      counts,
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      (n, records, budget) => {
        const rungs = halvingRungs(n, records, budget);
        const least = leastShare(n, records);
        if (rungs === undefined) {
          assert.ok(budget < least);
          return;
        }
        assert.ok(budget >= least * (1 - 1e-12));
        const whole = n * records.reduce((sum, count) => sum + count, 0);
        assert.ok(costOf(rungs, records) <= budget * whole);
        assert.equal(rungs[0].candidates, n);
        assert.equal(rungs.at(-1)?.limit, Math.max(...records));
        for (const [i, { candidates, limit }] of rungs.slice(1).entries()) {
          assert.equal(candidates, Math.ceil(n / 2 ** (i + 1)));
          assert.ok(limit >= rungs[i].limit);
        }
      },
    ),
  );
});

test("a budget of everything takes one round; a smaller one is used up, and four are left where it allows that", () => {
  assert.deepEqual(halvingRungs(50, [400], 1), [{ candidates: 50, limit: 400 }]);
  const rungs = halvingRungs(50, [2000], 0.25) ?? [];
  assert.deepEqual(
    rungs.map(({ candidates }) => candidates),
    [50, 25, 13, 7, 4],
  );
  // A record more in each round, for all of its candidates, is what whole numbers may leave.
  assert.ok(costOf(rungs, [2000]) > 0.25 * 50 * 2000 - (50 + 25 + 13 + 7));
  assert.equal(halvingRungs(10, [1000], 0.5)?.at(-1)?.candidates, 3);
  assert.equal(halvingRungs(10, [1000], 0.25)?.at(-1)?.candidates, 1, "two would leave first looks at a few records");
  assert.equal(halvingRungs(2, [400], 0.25), undefined, "too few candidates to save so much");
});

test("records of a round before cost nothing again, and a task that has no more is whole", () => {
  const rungs = [
    { candidates: 4, limit: 10 },
    { candidates: 2, limit: 20 },
  ];
  assert.equal(costOf(rungs, [20]), 4 * 10 + 2 * 10);
  assert.equal(costOf(rungs, [20, 5]), 4 * (10 + 5) + 2 * 10);
});

test("the best go on, of equal ones the earlier; what is no number comes last", () => {
  assert.deepEqual(survivorsOf([0.1, 0.5, Number.NaN, 0.5, 0.2], 3), [1, 3, 4]);
  assert.deepEqual(survivorsOf([Number.NaN, 0], 2), [1, 0]);
});

test("the pilot's records are taken from the budget", () => {
  assert.equal(besidePilot(0.25, 48), 11 / 48);
  assert.equal(withPilot(11 / 48, 48), 0.25);
  assert.ok(besidePilot(0.2, 4) < 0, "one model is more than a fifth of four");
  assert.deepEqual([besidePilot(1, 4), withPilot(1, 4)], [1, 1]);
});
