import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countWords, interleave, lastWordPassage, passages, pieces, sentences } from "../../infra/passages.js";

const word = fc.stringMatching(/^[a-z]{1,9}$/);
const text = fc
  .array(fc.array(word, { minLength: 1, maxLength: 60 }), { minLength: 1 })
  .map((all) => all.map((w) => `${w.join(" ")}.`));

test("pieces joined are the text, and each but the last has the size", () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 100 }), (paragraphs, size) => {
      const whole = paragraphs.join("\n\n");
      const found = pieces(whole, size);
      assert.equal(found.join("\n\n"), whole);
      for (const piece of found.slice(0, -1)) assert.ok(countWords(piece) >= size);
    }),
  );
});

test("sentences joined are the text", () => {
  fc.assert(fc.property(fc.string(), (any) => assert.equal(sentences(any).join(""), any)));
});

test("passages have the words asked for and stand in the text", () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 100 }), (paragraphs, minimum) => {
      const whole = paragraphs.join(" ");
      for (const passage of passages(whole, minimum)) {
        assert.ok(countWords(passage) >= minimum);
        assert.ok(whole.includes(passage));
      }
    }),
  );
});

test("a last-word passage ends with a word that stands in it before", () => {
  assert.equal(lastWordPassage("He lost his keys. Who finds the keys?"), "He lost his keys. Who finds the keys");
  assert.equal(lastWordPassage("He lost his keys. Who finds the purse?"), undefined);
  assert.equal(lastWordPassage("Keyserling lost what he calls keys."), undefined);
  assert.equal(lastWordPassage("It was 1915, not 1915."), undefined);
});

test("interleaving takes one of each in turn", () => {
  assert.deepEqual(interleave([[1, 2, 3], [4], []], 3), [1, 4, 2]);
});
