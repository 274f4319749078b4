import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { orderHash, windowStart } from "../../calibration/order.js";
import { firstSequences, sampleSets } from "../../calibration/sample.js";
import { tokensDigest } from "../../calibration/set.js";
import { sourceSchema } from "../../study/source.js";
import { BOS, documentOf, documentsOf, draw, placeOf, settings, tokensOf, withFiles, wordTokenizer } from "./corpus.js";

const LENGTH = 4;
/** At least 8 documents of more than 4 words, so that 4 sets of 2 can be drawn, among shorter ones. */
const lengths = fc
  .tuple(
    fc.array(fc.integer({ min: LENGTH + 1, max: 60 }), { minLength: 8, maxLength: 20 }),
    fc.array(fc.integer({ min: 1, max: LENGTH }), { maxLength: 20 }),
  )
  .chain(([long, short]) => fc.shuffledSubarray([...long, ...short], { minLength: long.length + short.length }));
const runs = { numRuns: 40 };
const seed = fc.nat({ max: 1000 });

test("a window is a piece of one document that is longer than a window, of exactly `length` tokens", async () => {
  await fc.assert(
    fc.asyncProperty(lengths, seed, async (lengths, seed) => {
      for (const set of await draw(documentsOf(lengths), [0, 3], { seed })) {
        for (const { tokens, offset, documents } of set.sequences) {
          const document = documentOf(tokens[0]);
          assert.ok(lengths[document] > LENGTH);
          assert.deepEqual(
            Array.from(tokens),
            Array.from({ length: LENGTH }, (_, i) => document * 1000 + offset + i),
          );
          assert.ok(offset + LENGTH <= lengths[document]);
          assert.match(documents[0], new RegExp(`part-000\\.jsonl:${document + 1}$`));
        }
      }
    }),
    runs,
  );
});

test("sets share no document", async () => {
  await fc.assert(
    fc.asyncProperty(lengths, seed, async (lengths, seed) => {
      const sets = await draw(documentsOf(lengths), [0, 1, 2, 3], { seed });
      const used = sets.flatMap((set) => set.sequences.map(({ tokens }) => documentOf(tokens[0])));
      assert.equal(new Set(used).size, 8);
    }),
    runs,
  );
});

test("a set is the same whatever else is drawn, however often the source is read, and in whatever files and order it lies", async () => {
  await fc.assert(
    fc.asyncProperty(
      lengths,
      seed,
      fc.integer({ min: 1, max: 4 }),
      fc.nat(2000),
      async (lengths, seed, parts, room) => {
        const texts = documentsOf(lengths);
        const [alone] = await draw(texts, [2], { seed });
        const [, , withOthers] = await draw(texts, [0, 1, 2, 3], { seed });
        const [inLittleRoom] = await draw(texts, [2], { seed }, { room });
        const backwards = texts.toReversed();
        const files = Array.from({ length: parts }, (_, part) => backwards.filter((_, i) => i % parts === part));
        const [spread] = await withFiles(files, (paths) =>
          sampleSets({
            source: sourceSchema.parse({ id: "source", path: "elsewhere" }),
            files: paths,
            tokenizer: wordTokenizer(),
            settings: settings({ seed }),
            sets: [2],
          }),
        );
        assert.deepEqual(tokensOf(withOthers), tokensOf(alone));
        assert.deepEqual(tokensOf(inLittleRoom), tokensOf(alone));
        assert.deepEqual(inLittleRoom.provenance.documents, alone.provenance.documents);
        assert.deepEqual(tokensOf(spread), tokensOf(alone));
        assert.equal(tokensDigest(spread), tokensDigest(alone));
      },
    ),
    runs,
  );
});

test("documents that are too short change nothing", async () => {
  await fc.assert(
    fc.asyncProperty(lengths, async (lengths) => {
      const texts = documentsOf(lengths);
      const [all] = await draw(texts, [1]);
      const [longOnly] = await draw(
        texts.filter((_, d) => lengths[d] > LENGTH),
        [1],
      );
      assert.deepEqual(tokensOf(all), tokensOf(longOnly));
      assert.equal(all.provenance.documents.longEnough, longOnly.provenance.documents.longEnough);
    }),
    runs,
  );
});

test("set k owns the long documents k*R .. (k+1)*R-1 of the hashed order", async () => {
  const lengths = Array.from({ length: 30 }, (_, i) => 2 + (i % 9));
  const texts = documentsOf(lengths);
  const order = texts
    .map((text, d) => ({ d, hash: orderHash(7, "source", text) }))
    .filter(({ d }) => lengths[d] > LENGTH)
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const sets = await draw(texts, [0, 2, 1], { seed: 7, largestSize: 3 });
  for (const set of sets) {
    const { index } = set.provenance;
    const expected = order.slice(index * 3, index * 3 + 3).map(({ d, hash }) => {
      const start = windowStart(hash, 0, lengths[d] - LENGTH);
      return Array.from({ length: LENGTH }, (_, i) => d * 1000 + start + i);
    });
    assert.deepEqual(tokensOf(set), expected);
  }
  assert.deepEqual(
    sets.map((set) => set.provenance.index),
    [0, 2, 1],
  );
});

test("smaller sets are the beginnings of larger ones", async () => {
  const [set] = await draw(documentsOf([9, 9, 9, 9, 9]), [0], { largestSize: 5 });
  for (const size of [1, 3, 5]) {
    const first = firstSequences(set, size);
    assert.deepEqual(tokensOf(first), tokensOf(set).slice(0, size));
  }
  assert.throws(() => firstSequences(set, 6), RangeError);
});

test("seed and source each change the draw", async () => {
  const texts = documentsOf(Array.from({ length: 40 }, () => 50));
  const digests = new Set<string>();
  for (const seed of [0, 1]) {
    for (const id of ["a", "b"]) {
      const [set] = await draw(texts, [0], { seed, largestSize: 8 }, { source: sourceSchema.parse({ id, path: "p" }) });
      digests.add(tokensDigest(set));
    }
  }
  assert.equal(digests.size, 4);
});

test("window starts are uniform over 0 .. last, both ends included", () => {
  const last = 9;
  const counts = new Array<number>(last + 1).fill(0);
  const draws = 20_000;
  for (let i = 0; i < draws; i++) counts[windowStart(orderHash(0, "s", String(i)), 0, last)]++;
  const expected = draws / (last + 1);
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // The draws are fixed, so this can't fail by chance; 27.9 is the 0.1 % point for 9 degrees of freedom.
  assert.ok(chiSquare < 27.9, `chi-square ${chiSquare}`);
});

test("copies of a document count once", async () => {
  const texts = documentsOf([9, 9, 9, 9]);
  const [once] = await draw(texts, [0], { largestSize: 4 });
  const [copied] = await draw([...texts, ...texts, texts[1]], [0], { largestSize: 4 });
  assert.deepEqual(tokensOf(copied), tokensOf(once));
  await assert.rejects(draw([...texts, ...texts], [0], { largestSize: 5 }), { name: "NotEnoughDocuments" });
});

test("bos: document leaves BOS where the tokenizer put it, at offset 0 alone", async () => {
  const tokenizer = wordTokenizer({ addsBos: true });
  // With BOS, documents of 4 words have 5 tokens: windows start at 0 or 1.
  const sets = await draw(documentsOf(new Array(20).fill(LENGTH)), [0], { largestSize: 20 }, { tokenizer });
  const offsets = new Set(sets[0].sequences.map(({ offset }) => offset));
  assert.deepEqual(Array.from(offsets).sort(), [0, 1]);
  for (const { tokens, offset } of sets[0].sequences) {
    assert.deepEqual(
      Array.from(tokens, (id) => id === BOS),
      [offset === 0, false, false, false],
    );
  }
});

const lineOf = (place: string) => place.split(":").at(-1);

test("bos: window puts BOS first in every window, once, and leaves documents and starts as they are", async () => {
  await fc.assert(
    fc.asyncProperty(lengths, fc.boolean(), async (lengths, addsBos) => {
      const tokenizer = wordTokenizer({ addsBos });
      const [plain] = await draw(documentsOf(lengths), [1], {}, { tokenizer });
      const [set] = await draw(documentsOf(lengths), [1], { bos: "window" }, { tokenizer });
      for (const [i, { tokens, offset, documents }] of set.sequences.entries()) {
        const usual = plain.sequences[i];
        const expected = usual.tokens[0] === BOS ? [...usual.tokens] : [BOS, ...usual.tokens.slice(0, -1)];
        assert.deepEqual(Array.from(tokens), expected);
        assert.deepEqual([offset, documents.map(lineOf)], [usual.offset, usual.documents.map(lineOf)]);
      }
    }),
    runs,
  );
});

test("bos: window for a tokenizer without BOS is an error that says so", async () => {
  const tokenizer = wordTokenizer({ bosTokenId: null });
  await assert.rejects(draw(documentsOf([9]), [0], { bos: "window" }, { tokenizer }), {
    name: "InvalidSettings",
    message: /no beginning-of-text token.*bos: window/,
  });
});

test("too few long documents: the error says how many there are, how many are long, how many it takes, and what helps", async () => {
  await assert.rejects(draw(documentsOf([9, 9, 9, 2, 2]), [1], { largestSize: 2 }), {
    name: "NotEnoughDocuments",
    message:
      /5 documents, 3 with more than 4 tokens; 4 are needed \(2 x 2.*\(source\).*pack: true.*shorter.*fewer.*reuse: true/,
  });
});

test("reuse: what can be drawn without sharing is the same, later positions start over with other windows", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 7 }), seed, async (count, seed) => {
      const texts = documentsOf(new Array(count).fill(900));
      const [set] = await draw(texts, [0], { largestSize: 8, reuse: true, seed });
      const [apart] = await draw(texts, [0], { largestSize: count, seed });
      assert.deepEqual(tokensOf(firstSequences(set, count)), tokensOf(apart));
      const order = set.sequences.map(({ tokens }) => documentOf(tokens[0]));
      for (let p = count; p < 8; p++) assert.equal(order[p], order[p - count]);
      const windows = new Set(set.sequences.map(({ tokens }) => tokens[0]));
      // Two windows of one document coincide with probability 1/897: that more than four of eight do is out of the question.
      assert.ok(windows.size >= 4, `${windows.size} different windows of 8`);
      for (const { tokens } of set.sequences) assert.ok(placeOf(tokens[0]) <= 896);
    }),
    runs,
  );
});

test("reuse changes nothing where there are enough documents, and can't help where there is none", async () => {
  const texts = documentsOf([9, 9, 9, 9, 9]);
  assert.deepEqual(tokensOf((await draw(texts, [1], { reuse: true }))[0]), tokensOf((await draw(texts, [1]))[0]));
  await assert.rejects(draw(documentsOf([2, 3]), [0], { reuse: true }), { name: "NotEnoughDocuments" });
});

test("provenance says what was seen, examined and long enough", async () => {
  const lengths = [9, 2, 9, 1, 9, 9, 3, 9];
  const [first, second] = await draw(documentsOf(lengths), [0, 1]);
  assert.deepEqual(
    [first, second].map(({ provenance }) => [provenance.documents.seen, provenance.documents.longEnough]),
    [
      [8, 2],
      [8, 4],
    ],
  );
  assert.equal(first.provenance.tokenizer, "words");
  assert.ok(first.provenance.documents.examined <= second.provenance.documents.examined);
});

test("progress counts the documents read", async () => {
  const seen: number[] = [];
  await withFiles([documentsOf([9, 9, 9])], (files) =>
    sampleSets(
      {
        source: sourceSchema.parse({ id: "s", path: "p" }),
        files,
        tokenizer: wordTokenizer(),
        settings: settings(),
        sets: [0],
      },
      (documents) => seen.push(documents),
    ),
  );
  assert.equal(seen.at(-1), 3);
});
