import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { orderHash } from "../../calibration/order.js";
import { BOS, documentOf, documentsOf, draw, EOS, tokensOf, wordTokenizer } from "./corpus.js";

const lengths = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 30 });
const runs = { numRuns: 40 };

/** The documents' tokens in the hashed order, each followed by the end-of-text token. */
function streamOf(lengths: readonly number[], seed: number): number[][] {
  return documentsOf(lengths)
    .map((text) => ({
      hash: orderHash(seed, "source", text),
      ids: text.split(" ").map((word) => Number(word.slice(1))),
    }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .map(({ ids }) => [...ids, EOS]);
}

test("the first set is the documents joined by end-of-text in the hashed order, cut into windows", async () => {
  await fc.assert(
    fc.asyncProperty(lengths, fc.nat(100), fc.integer({ min: 2, max: 9 }), async (lengths, seed, length) => {
      const stream = streamOf(lengths, seed).flat();
      const largestSize = Math.floor(stream.length / length);
      fc.pre(largestSize > 0);
      const [set] = await draw(documentsOf(lengths), [0], { pack: true, seed, length, largestSize });
      assert.deepEqual(tokensOf(set).flat(), stream.slice(0, largestSize * length));
      await assert.rejects(
        draw(documentsOf(lengths), [0], { pack: true, seed, length, largestSize: largestSize + 1 }),
        {
          name: "NotEnoughDocuments",
          message: new RegExp(`packed into ${largestSize} windows of ${length} tokens; ${largestSize + 1} are needed`),
        },
      );
    }),
    runs,
  );
});

test("each set starts with a document of its own, and sets share none", async () => {
  const lengths = Array.from({ length: 40 }, (_, i) => 1 + (i % 7));
  const sets = await draw(documentsOf(lengths), [0, 1, 2], { pack: true, length: 5, largestSize: 3 });
  const used = sets.map(
    (set) =>
      new Set(
        tokensOf(set)
          .flat()
          .filter((id) => id !== EOS)
          .map(documentOf),
      ),
  );
  assert.equal(
    new Set(used.flatMap((set) => Array.from(set))).size,
    used.reduce((sum, set) => sum + set.size, 0),
  );
  for (const set of sets) assert.equal(set.sequences[0].offset, 0);
  const [alone] = await draw(documentsOf(lengths), [2], { pack: true, length: 5, largestSize: 3 }, { room: 10 });
  assert.deepEqual(tokensOf(alone), tokensOf(sets[2]));
});

test("a sequence names the documents whose tokens it holds, and where in the first of them it starts", async () => {
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 2, max: 9 }), async (lengths, length) => {
      const stream = streamOf(lengths, 0).flat();
      const largestSize = Math.floor(stream.length / length);
      fc.pre(largestSize > 0);
      const [set] = await draw(documentsOf(lengths), [0], { pack: true, length, largestSize });
      for (const { tokens, documents, offset } of set.sequences) {
        const named = documents.map((place) => Number(place.split(":").at(-1)) - 1);
        const held = Array.from(
          new Set(
            Array.from(tokens)
              .filter((id) => id !== EOS)
              .map(documentOf),
          ),
        );
        // A window may start with the end-of-text token that belongs to a document it holds nothing else of.
        assert.deepEqual(named.slice(named.length - held.length), held);
        assert.equal(named.length - held.length, tokens[0] === EOS ? 1 : 0);
        const first = named[0];
        assert.equal(tokens[0], offset === lengths[first] ? EOS : first * 1000 + offset);
      }
    }),
    runs,
  );
});

test("bos: window puts BOS first in every window and loses no token between windows", async () => {
  const lengths = Array.from({ length: 12 }, (_, i) => 3 + i);
  const [set] = await draw(documentsOf(lengths), [0], { pack: true, bos: "window", length: 6, largestSize: 10 });
  const windows = tokensOf(set);
  for (const window of windows) assert.deepEqual([window[0], window.length], [BOS, 6]);
  const stream = streamOf(lengths, 0).flat();
  assert.deepEqual(
    windows.flatMap((window) => window.slice(1)),
    stream.slice(0, 50),
  );
});

test("a tokenizer's own special tokens stand at every document, and end-of-text is not doubled", async () => {
  const words = wordTokenizer();
  const tokenizer = { ...words, encode: (text: string) => Int32Array.from([BOS, ...words.encode(text), EOS]) };
  const [set] = await draw(documentsOf([2, 2, 2]), [0], { pack: true, length: 4, largestSize: 3 }, { tokenizer });
  for (const [bos, a, b, eos] of tokensOf(set)) assert.deepEqual([bos, b, eos], [BOS, a + 1, EOS]);
});

test("reuse starts over with the first document", async () => {
  const lengths = [5, 7, 6];
  const [set] = await draw(documentsOf(lengths), [0], { pack: true, reuse: true, length: 7, largestSize: 6 });
  const stream = streamOf(lengths, 0).flat();
  assert.deepEqual(tokensOf(set).flat(), [...stream, ...stream].slice(0, 42));
});

test("packing for a tokenizer without an end-of-text token is an error that says so", async () => {
  const tokenizer = wordTokenizer({ eosTokenId: null });
  await assert.rejects(draw(documentsOf([9]), [0], { pack: true }, { tokenizer }), {
    name: "InvalidSettings",
    message: /no end-of-text token.*pack: true/,
  });
});
