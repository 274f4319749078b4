import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { superiority } from "../../statistics/superiority.js";

test("ties count half", () => {
  assert.equal(superiority([1, 2], [1, 0]).probability, (0.5 + 1 + 1 + 1) / 4);
});

test("few sets that are wholly apart don't pass for certainty", () => {
  const { probability, low, high } = superiority([4, 5, 6], [1, 2, 3]);
  assert.deepEqual([probability, high], [1, 1]);
  assert.ok(low > 0.3 && low < 0.7, `${low}`);
});

test("the interval holds the share, mirrors when the sides change, and narrows with more sets", () => {
  const values = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(values, values, (first, second) => {
      const [there, back] = [superiority(first, second), superiority(second, first)];
      assert.ok(there.low <= there.probability && there.probability <= there.high);
      assert.ok(Math.abs(there.low + back.high - 1) < 1e-9 && Math.abs(there.high + back.low - 1) < 1e-9);
      const twice = superiority([...first, ...first], [...second, ...second]);
      assert.ok(twice.high - twice.low <= there.high - there.low + 1e-12);
    }),
  );
});
