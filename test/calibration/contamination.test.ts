import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contaminatedRecords } from "../../calibration/contamination.js";

const words = (from: number, count: number) => Array.from({ length: count }, (_, i) => `word${from + i}`).join(" ");

test("a record is found from 13 shared words in a row on", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(50), fc.nat(20), (shared, from, padding) => {
      const set = words(0, 100);
      const record = `${words(1000, padding)} ${words(from, shared)} ${words(2000, padding)}`;
      assert.equal(contaminatedRecords([words(500, 40), set], [record, words(3000, 40)]), shared >= 13 ? 1 : 0);
    }),
  );
});

test("case, punctuation and spacing do not hide a record", () => {
  const set = "He said: the quick, brown fox (it's 7 years old) jumps over one lazy dog's back!";
  const record = "the QUICK brown\nfox -- its 7 years old –  jumps over “one” lazy dogs back";
  assert.equal(contaminatedRecords([set], [record]), 1);
});

test("each record counts once, and words shared in another order do not count", () => {
  const text = words(0, 60);
  assert.equal(contaminatedRecords([text, text], [text, text]), 2);
  assert.equal(contaminatedRecords([text], [text.split(" ").reverse().join(" ")]), 0);
  assert.equal(contaminatedRecords([], [text]), 0);
});
