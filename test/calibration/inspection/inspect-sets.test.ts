import assert from "node:assert/strict";
import { test } from "node:test";
import { indexRecords } from "../../../calibration/contamination.js";
import { inspectSets } from "../../../calibration/inspection/inspect-sets.js";
import { english, GERMAN, setOfTexts, uniqueWords, wordTokenizer } from "./words.js";

const WORDS = 40;

test("near-duplicates are told apart by where the other one is, and each of a pair has the other", async () => {
  const tokenizer = wordTokenizer();
  const [one, two, three] = [1, 2, 3].map((seed) => uniqueWords(seed, WORDS));
  const other = (seed: number) => uniqueWords(seed, WORDS);
  const { sets, sources } = await inspectSets(
    [
      setOfTexts(tokenizer, "a", "a0", [one, one, two]),
      setOfTexts(tokenizer, "a", "a1", [two, other(10), three]),
      setOfTexts(tokenizer, "b", "b0", [other(11), three, other(12)]),
    ],
    tokenizer,
  );
  assert.deepEqual(
    sets.map(({ duplicates }) => duplicates),
    [
      { inside: 2, across: 1, foreign: 0 },
      { inside: 0, across: 1, foreign: 1 },
      { inside: 0, across: 0, foreign: 1 },
    ],
  );
  assert.deepEqual(sources[0].duplicates, { inside: 2, across: 2, foreign: 1 });
  const [first, , last] = sets[0].found;
  assert.deepEqual(first.duplicates, [{ kind: "inside", set: 0, sequence: 1, resemblance: 1 }]);
  assert.deepEqual(last.duplicates, [{ kind: "across", set: 1, sequence: 0, resemblance: 1 }]);
  assert.deepEqual([first.flags.includes("duplicate"), sets[1].found[1].flags.includes("duplicate")], [true, false]);
});

test("a sequence in another language than most of its source's is flagged, whatever other sources are in", async () => {
  const tokenizer = wordTokenizer();
  const texts = [english(1, 3), english(2, 3), english(3, 3), GERMAN];
  const { sets, sources } = await inspectSets(
    [setOfTexts(tokenizer, "mixed", "mixed", texts), setOfTexts(tokenizer, "german", "german", [GERMAN])],
    tokenizer,
  );
  const flagged = sets.map(({ found }) => found.map(({ flags }) => flags.includes("language")));
  assert.deepEqual(flagged, [[false, false, false, true], [false]]);
  assert.deepEqual(sources[0].languages, [
    { language: "en", sequences: 3 },
    { language: "de", sequences: 1 },
  ]);
});

test("evaluation records are found with the words that they share, and each counts once", async () => {
  const tokenizer = wordTokenizer();
  const question = uniqueWords(7, 14);
  const text = `${uniqueWords(1, 10)} ${question} ${uniqueWords(2, 16)}`;
  const sets = [
    setOfTexts(tokenizer, "a", "a0", [
      text,
      uniqueWords(3, WORDS),
      `${uniqueWords(4, 20)} ${question} ${uniqueWords(5, 6)}`,
    ]),
  ];
  const index = indexRecords([uniqueWords(8, 20), `${question} and more`]);
  const [found] = (await inspectSets(sets, tokenizer, { tasks: [{ task: "quiz", index }] })).sets;
  assert.deepEqual([found.records, found.found.map(({ flags }) => flags.includes("record"))], [1, [true, false, true]]);
  const [match] = found.found[0].records ?? [];
  assert.deepEqual([match.task, match.record, text.slice(match.start, match.end)], ["quiz", 1, question]);
  const [without] = (await inspectSets(sets, tokenizer)).sets;
  assert.deepEqual([without.records, without.found[0].records], [null, null]);
});

test("perplexities that stand out among all sets of a source are flagged, in either direction", async () => {
  const tokenizer = wordTokenizer();
  const texts = (seed: number) => Array.from({ length: 4 }, (_, i) => uniqueWords(10 * seed + i, WORDS));
  const sets = [1, 2].map((seed) => setOfTexts(tokenizer, "a", `a${seed}`, texts(seed)));
  const perplexities = [
    [20, 21, 19, 900],
    [22, 20.5, 1.2, 20.1],
  ];
  const inspection = await inspectSets(sets, tokenizer, { perplexities });
  const outlying = inspection.sets.map(({ found }) => found.map(({ outlier }) => outlier));
  assert.deepEqual(outlying, [
    [null, null, null, "high"],
    [null, null, "low", null],
  ]);
  assert.deepEqual(inspection.sources[0].perplexity, { median: 20.3, high: 1, low: 1 });
  assert.ok(inspection.sets[0].found[3].flags.includes("perplexity"));
});

test("a footer that several documents have is repeated text, and marked where it fills a good part", async () => {
  const tokenizer = wordTokenizer();
  const footer = uniqueWords(99, 20);
  const texts = Array.from({ length: 3 }, (_, i) => `${uniqueWords(i, 20)} ${footer}`);
  const [set] = (await inspectSets([setOfTexts(tokenizer, "a", "a0", [...texts, uniqueWords(9, 40)])], tokenizer)).sets;
  assert.equal(set.repeated, (3 * 20) / (4 * 40));
  assert.deepEqual(
    set.found.map(({ flags }) => flags.includes("repeated")),
    [true, true, true, false],
  );
  assert.equal(set.found[0].runs[0].trim(), footer);
});

test("a source's token frequencies are as far from its own as nothing, and from those of others by their words", async () => {
  const tokenizer = wordTokenizer(400);
  const { sources } = await inspectSets(
    [
      setOfTexts(tokenizer, "a", "a0", [uniqueWords(1, WORDS)]),
      setOfTexts(tokenizer, "a", "a1", [uniqueWords(1, WORDS)]),
      setOfTexts(tokenizer, "b", "b0", [uniqueWords(2, WORDS)]),
    ],
    tokenizer,
  );
  // Sums of forty terms.
  const rounded = sources.map(({ apart, distances }) => [
    apart,
    distances.map((distance) => Number(distance.toFixed(12))),
  ]);
  assert.deepEqual(rounded, [
    [0, [0, 1]],
    [null, [1, 0]],
  ]);
  assert.equal(sources[0].vocabulary, 0.1);
});

test("nothing depends on what else is inspected, but duplicates, repeated runs and outliers", async () => {
  const tokenizer = wordTokenizer();
  const set = setOfTexts(tokenizer, "a", "a0", [english(1, 4), english(2, 4)]);
  const other = setOfTexts(tokenizer, "b", "b0", [GERMAN]);
  const [alone, beside] = [await inspectSets([set], tokenizer), await inspectSets([other, set], tokenizer)];
  assert.deepEqual(alone.sets[0], beside.sets[1]);
});
