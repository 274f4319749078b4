import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Pack, packSequences } from "../../evaluation/packing.js";
import type { Sequence } from "../../evaluation/requests.js";

/** Few different tokens, so that sequences share beginnings. */
const sequence = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2, maxLength: 9 }), fc.nat())
  .map(([tokens, n]): Sequence => ({ tokens: Int32Array.from(tokens), from: 1 + (n % tokens.length) }));
const sequences = fc.array(sequence, { maxLength: 12 });

/** The tokens that the one at `place` sees, in their order. */
function seenFrom({ tokens, tree }: Pack, place: number): number[] {
  const parent = tree.parents[place];
  return [...(parent === -1 ? [] : seenFrom({ tokens, tree, predictions: [] }, parent)), tokens[place]];
}

test("each scored token is predicted once, from exactly the tokens before it", () => {
  fc.assert(
    fc.property(sequences, fc.integer({ min: 1, max: 20 }), (all, capacity) => {
      const found = packSequences(all, capacity).flatMap((pack) =>
        pack.predictions.map(({ place, token, sequence: index }) => [index, seenFrom(pack, place), token]),
      );
      const wanted = all.flatMap(({ tokens, from }, index) =>
        Array.from(tokens.subarray(from), (token, i) => [index, Array.from(tokens.subarray(0, from + i)), token]),
      );
      assert.deepEqual(found.map((x) => JSON.stringify(x)).sort(), wanted.map((x) => JSON.stringify(x)).sort());
    }),
  );
});

test("positions count the tokens that are seen, and parents stand before their children", () => {
  fc.assert(
    fc.property(sequences, (all) => {
      for (const pack of packSequences(all, 50)) {
        pack.tree.positions.forEach((position, place) => {
          assert.equal(position, seenFrom(pack, place).length - 1);
          assert.ok(pack.tree.parents[place] < place);
        });
      }
    }),
  );
});

test("within a row no beginning stands twice", () => {
  fc.assert(
    fc.property(sequences, (all) => {
      for (const pack of packSequences(all, 50)) {
        const beginnings = Array.from(pack.tokens, (_, place) => seenFrom(pack, place).join());
        assert.equal(new Set(beginnings).size, beginnings.length);
      }
    }),
  );
});

test("rows keep to the capacity unless one sequence alone is longer", () => {
  fc.assert(
    fc.property(sequences, fc.integer({ min: 1, max: 20 }), (all, capacity) => {
      for (const { tokens, predictions } of packSequences(all, capacity)) {
        const longest = Math.max(...predictions.map(({ sequence: index }) => all[index].tokens.length - 1));
        assert.ok(tokens.length <= Math.max(capacity, longest));
      }
    }),
  );
});

test("rows do not depend on the order of the sequences", () => {
  fc.assert(
    fc.property(sequences, (all) => {
      const rows = (list: readonly Sequence[]) => packSequences(list, 10).map(({ tokens, tree }) => ({ tokens, tree }));
      assert.deepEqual(rows(all.toReversed()), rows(all));
    }),
  );
});
