import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { repeatedSpans } from "../../../calibration/inspection/boilerplate.js";
import { countLanguages, languageOf, mainLanguage } from "../../../calibration/inspection/language.js";
import { lengthFigures } from "../../../calibration/inspection/length.js";
import { markupFigures } from "../../../calibration/inspection/markup.js";
import { outliers } from "../../../calibration/inspection/outliers.js";
import { countTokens, tokenDistance, vocabularyShare } from "../../../calibration/inspection/vocabulary.js";
import { setOfTokens } from "../../../calibration/set.js";
import { english, GERMAN } from "./words.js";

test("languages are told from running text, and not from numbers or nothing", () => {
  assert.equal(languageOf(english(1, 3)), "en");
  assert.equal(languageOf(GERMAN), "de");
  assert.equal(languageOf("Правительство вчера решило снизить налоги, хотя оппозиция была против."), "ru");
  assert.equal(languageOf("政府は昨日、野党の反対にもかかわらず減税を決定した。"), "ja");
  assert.equal(languageOf("1 2 3 4 5 6 7 8 9"), "und");
  assert.equal(languageOf(""), "und");
});

test("languages are counted, the most frequent first, and the main one is one that is known", () => {
  const counts = countLanguages(["und", "en", "de", "und", "und", "en"]);
  assert.deepEqual(
    counts.map(({ language, sequences }) => [language, sequences]),
    [
      ["und", 3],
      ["en", 2],
      ["de", 1],
    ],
  );
  assert.equal(mainLanguage(counts), "en");
  assert.equal(mainLanguage(countLanguages(["und"])), undefined);
});

test("the share of the vocabulary counts each token once, and no added ones", () => {
  const counts = countTokens([Int32Array.of(1, 1, 2), Int32Array.of(2, 3, 12)]);
  assert.equal(vocabularyShare(counts, 10), 0.3);
});

test("the distance of token frequencies is 0 for the same, 1 for nothing in common, and that of the definition between", () => {
  const [a, b] = [countTokens([Int32Array.of(1, 1, 2, 2)]), countTokens([Int32Array.of(2, 3)])];
  assert.equal(tokenDistance(a, countTokens([Int32Array.of(2, 1)])), 0);
  // Sums of five terms.
  assert.ok(Math.abs(tokenDistance(a, countTokens([Int32Array.of(7, 8, 9)])) - 1) < 1e-12);
  // p = (1/2, 1/2, 0), q = (0, 1/2, 1/2), m = (1/4, 1/2, 1/4): each divergence from m is 1/2.
  assert.ok(Math.abs(tokenDistance(a, b) - Math.sqrt(0.5)) < 1e-12);
  const text = fc.array(fc.nat(8), { minLength: 1, maxLength: 30 }).map((ids) => countTokens([Int32Array.from(ids)]));
  fc.assert(
    fc.property(text, text, (p, q) => {
      const distance = tokenDistance(p, q);
      assert.ok(distance >= 0 && distance <= 1);
      // The order of additions differs; the root of rounding errors of 1e-16.
      assert.ok(Math.abs(distance - tokenDistance(q, p)) < 1e-7);
    }),
  );
});

test("a run of 16 tokens is repeated from three documents on; windows of one document count once", () => {
  const footer = Array.from({ length: 20 }, (_, i) => 900 + i);
  const own = (seed: number) => Array.from({ length: 30 }, (_, i) => seed * 1000 + i);
  const window = (document: string, seed: number) => ({
    document,
    tokens: Int32Array.from([...own(seed), ...footer, ...own(seed + 50)]),
  });
  const three = [window("a", 1), window("b", 2), window("c", 3)];
  assert.deepEqual(repeatedSpans(three), [
    [{ start: 30, end: 50 }],
    [{ start: 30, end: 50 }],
    [{ start: 30, end: 50 }],
  ]);
  assert.deepEqual(repeatedSpans([window("a", 1), window("b", 2), window("b", 3)]), [[], [], []]);
  const short = { document: "d", tokens: Int32Array.from(footer.slice(0, 15)) };
  assert.deepEqual(repeatedSpans([...three, short]).at(-1), []);
});

test("links, tags and characters that are no letters are counted", () => {
  const text = 'See https://example.org/a?b=1 and www.example.com. <p class="x">Fish &amp; chips</p> 5 < 6';
  const { links, tags } = markupFigures(text);
  assert.deepEqual([links, tags], [2, 3]);
  assert.equal(markupFigures("ab1 é?").nonLetters, 2 / 5);
  assert.deepEqual(markupFigures(" \n"), { links: 0, tags: 0, nonLetters: 0 });
});

test("what stands far out from the middle is an outlier, and nothing where there is no middle", () => {
  const usual = [1, 1.1, 0.9, 1.05, 0.95, 1.02];
  assert.deepEqual(outliers([...usual, 3, -2]), [...usual.map(() => null), "high", "low"]);
  assert.equal(outliers([...usual, Number.POSITIVE_INFINITY]).at(-1), "high");
  assert.equal(outliers([...usual, Number.NaN]).at(-1), "high");
  assert.deepEqual(outliers([1, 1, 1, 1, 9]), [null, null, null, null, null]);
  assert.deepEqual(outliers([1, 2, 3, 900]), [null, null, null, null]);
});

test("lengths say what is cut before windows, and what is known of the documents", () => {
  const window = (documents: string[], offset: number) => ({ documents, offset, tokens: new Int32Array(4) });
  const provenance = {
    source: { id: "s", path: "p", field: "text" },
    ...{ files: [], tokenizer: "t", index: 0, documents: { seen: 9, examined: 5, longEnough: 3 } },
    settings: { length: 4, seed: 0, pack: true, bos: "document" as const, reuse: false, largestSize: 3 },
  };
  const sequences = [window(["a", "b"], 0), window(["b"], 3), window(["c"], 7)];
  assert.deepEqual(lengthFigures({ sequences, provenance }), {
    ...{ sequences: 3, tokens: 12, documents: 3, joined: 1, begunInside: 2, cutBefore: 5 },
    drawnFrom: { seen: 9, examined: 5, longEnough: 3 },
  });
  const { documents, cutBefore, drawnFrom } = lengthFigures(setOfTokens([new Int32Array(4)]));
  assert.deepEqual([documents, cutBefore, drawnFrom], [null, null, null]);
});
