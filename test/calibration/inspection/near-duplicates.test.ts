import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nearDuplicates, RESEMBLANCE, resemblance } from "../../../calibration/inspection/near-duplicates.js";
import { distinct, shingles } from "../../../calibration/inspection/shingles.js";

/** `length` token ids that no other seed gives. */
function tokens(seed: number, length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => seed * 100_000 + i);
}

function joined(...parts: Int32Array[]): Int32Array {
  return Int32Array.from(parts.flatMap((part) => Array.from(part)));
}

test("the resemblance is the share of common members, as counted directly", () => {
  const ids = fc.array(fc.nat(30), { maxLength: 40 });
  fc.assert(
    fc.property(ids, ids, (a, b) => {
      const [left, right] = [new Set(a), new Set(b)];
      const shared = Array.from(left).filter((id) => right.has(id)).length;
      const all = new Set([...a, ...b]).size;
      const found = resemblance(distinct(Uint32Array.from(a)), distinct(Uint32Array.from(b)));
      assert.equal(found, all === 0 ? 0 : shared / all);
    }),
  );
});

test("shingles are equal where the runs of tokens are, and a short sequence is one shingle", () => {
  const found = shingles(Int32Array.of(1, 2, 3, 9, 1, 2, 3), 3);
  assert.equal(found.length, 5);
  assert.equal(found[0], found[4]);
  assert.equal(new Set(found).size, 4);
  assert.equal(shingles(Int32Array.of(1, 2), 8).length, 1);
  assert.equal(shingles(new Int32Array(0), 8).length, 0);
});

test("pairs above the limit are found whatever stands between them, and no pair below it", () => {
  // Of two sequences of n tokens that share the first k, the resemblance is (k - 7) / (2 (n - 7) - (k - 7)).
  const shared = [40, 100, 140, 160, 190];
  const sequences = shared.flatMap((k, i) => [
    { set: 0, tokens: tokens(3 * i, 200) },
    { set: 1, tokens: joined(tokens(3 * i, k), tokens(3 * i + 1, 200 - k)) },
    { set: 1, tokens: tokens(3 * i + 2, 200) },
  ]);
  const found = nearDuplicates(sequences);
  const expected = shared.flatMap((k, i) => {
    const alike = (k - 7) / (2 * 193 - (k - 7));
    return alike < RESEMBLANCE ? [] : [{ first: 3 * i, second: 3 * i + 1, resemblance: alike }];
  });
  assert.equal(expected.length, 3);
  assert.deepEqual(found, expected);
});

test("of a thousand pairs that are just alike enough, few are overlooked", () => {
  // Half of the shingles: k - 7 = 2/3 of n - 7.
  const pairs = Array.from({ length: 1000 }, (_, i) => [
    { set: 0, tokens: tokens(2 * i, 67) },
    { set: 1, tokens: joined(tokens(2 * i, 47), tokens(2 * i + 1, 20)) },
  ]);
  // A pair is overlooked with probability (1 - 0.5^3)^40 = 0.0048: 4.8 of a thousand, standard deviation 2.2.
  assert.ok(nearDuplicates(pairs.flat()).length >= 985);
});

test("of many equal sequences each has the first of its own set and of every set before", () => {
  const same = tokens(1, 50);
  const found = nearDuplicates([0, 0, 0, 1, 1].map((set) => ({ set, tokens: same })));
  assert.deepEqual(
    found.map(({ first, second }) => [first, second]),
    [
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 4],
      [3, 4],
    ],
  );
});
