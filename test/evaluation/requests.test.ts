import assert from "node:assert/strict";
import { test } from "node:test";
import { type AddBos, encodeRequest } from "../../evaluation/requests.js";
import type { Tokenizer } from "../../models/tokenizer.js";
import { BOS, characterTokenizer, EOS, mergedId } from "./character-tokenizer.js";

const codes = (text: string) => Array.from(text, (character) => character.charCodeAt(0));

function encode(
  context: string,
  continuation: string,
  {
    tokenizer = characterTokenizer(),
    addBos = "auto",
    maxLength = 100,
  }: {
    tokenizer?: Tokenizer;
    addBos?: AddBos;
    maxLength?: number;
  } = {},
) {
  const { tokens, from } = encodeRequest(tokenizer, { context, continuation }, { addBos, maxLength });
  return { tokens: Array.from(tokens), from };
}

const failsWith = (name: string) => (error: Error) => error.name === name;

test("the continuation's tokens are what the whole has beyond the context", () => {
  assert.deepEqual(encode("ab", " c"), { tokens: codes("ab c"), from: 2 });
});

test("a token that reaches over the border belongs to neither: the context is read as it is encoded alone", () => {
  const tokenizer = characterTokenizer({ merges: ["b "] });
  // The whole is a|"b "|c, the context a|b, so the continuation is what the whole has from its third token on.
  assert.deepEqual(encode("ab", " c", { tokenizer }), { tokens: codes("abc"), from: 2 });
});

test("whitespace of any kind at the context's end moves to the continuation", () => {
  for (const space of [" ", "\n", "\t", "\u00a0", "\u3000", "\u2028", "\x1c", "\x85", " \n "]) {
    const tokenizer = characterTokenizer({ merges: [`${space.at(-1)} `] });
    const { tokens, from } = encode(`ab${space}`, " c", { tokenizer });
    assert.equal(from, 2, JSON.stringify(space));
    assert.deepEqual(tokens, [...codes(`ab${space.slice(0, -1)}`), mergedId(0), ...codes("c")]);
  }
});

test("a byte order mark is not whitespace", () => {
  assert.equal(encode("ab\ufeff", " c").from, 3);
});

test("an empty context is BOS, or EOS where there is no BOS, and the continuation is encoded alone", () => {
  assert.deepEqual(encode("", " c"), { tokens: [BOS, ...codes(" c")], from: 1 });
  assert.deepEqual(encode("", " c", { tokenizer: characterTokenizer({ bos: false }) }), {
    tokens: [EOS, ...codes(" c")],
    from: 1,
  });
  // A tokenizer that adds BOS puts no second one before it.
  const adding = characterTokenizer({ addsBos: true });
  for (const addBos of ["auto", true, false] as const) {
    assert.deepEqual(encode("", " c", { tokenizer: adding, addBos }), { tokens: [BOS, ...codes(" c")], from: 1 });
  }
});

test("a continuation that begins with the prefix token brings its own", () => {
  assert.deepEqual(encode("", "^c"), { tokens: [BOS, ...codes("c")], from: 1 });
});

test("an empty context needs a prefix token", () => {
  const tokenizer = characterTokenizer({ bos: false, eos: false });
  assert.throws(() => encode("", " c", { tokenizer }), failsWith("TokenizerMismatch"));
});

test("a context of whitespace alone is no empty context: with a tokenizer that adds BOS it is encoded as any other", () => {
  const tokenizer = characterTokenizer({ addsBos: true });
  assert.deepEqual(encode(" ", "c", { tokenizer }), { tokens: [BOS, ...codes(" c")], from: 1 });
  assert.deepEqual(encode(" ", "c"), { tokens: [BOS, ...codes(" c")], from: 1 });
});

test("special tokens follow the tokenizer's own setting, and are in both encodings", () => {
  const tokenizer = characterTokenizer({ addsBos: true });
  assert.deepEqual(encode("ab", " c", { tokenizer }), { tokens: [BOS, ...codes("ab c")], from: 3 });
  assert.deepEqual(encode("ab", " c", { tokenizer, addBos: false }), { tokens: codes("ab c"), from: 2 });
});

test("addBos true puts BOS before texts of a tokenizer that adds none, once", () => {
  assert.deepEqual(encode("ab", " c", { addBos: true }), { tokens: [BOS, ...codes("ab c")], from: 3 });
  const tokenizer = characterTokenizer({ addsBos: true });
  assert.deepEqual(encode("ab", " c", { tokenizer, addBos: true }).tokens, [BOS, ...codes("ab c")]);
  assert.throws(
    () => encode("ab", " c", { tokenizer: characterTokenizer({ bos: false }), addBos: true }),
    failsWith("TokenizerMismatch"),
  );
});

test("a text that begins with the BOS token's text gets no second one", () => {
  const tokenizer = characterTokenizer({ addsBos: true });
  for (const addBos of ["auto", true, false] as const) {
    assert.deepEqual(encode("^ab", " c", { tokenizer, addBos }), { tokens: [BOS, ...codes("ab c")], from: 3 });
  }
});

test("the last maxLength + 1 tokens are kept, of which the model reads all but the last", () => {
  assert.deepEqual(encode("abcd", "ef", { maxLength: 5 }), { tokens: codes("abcdef"), from: 4 });
  assert.deepEqual(encode("abcd", "ef", { maxLength: 4 }), { tokens: codes("bcdef"), from: 3 });
  assert.deepEqual(encode("abcd", "ef", { maxLength: 2 }), { tokens: codes("def"), from: 1 });
});

test("of a continuation that alone is too long the first tokens stay unscored", () => {
  assert.deepEqual(encode("ab", "cdef", { maxLength: 3 }), { tokens: codes("cdef"), from: 1 });
});

test("a continuation that adds no token to the context leaves nothing to score", () => {
  const tokenizer = characterTokenizer({ merges: ["bc"] });
  const { tokens, from } = encode("ab", "c", { tokenizer });
  assert.deepEqual([tokens.length, from], [2, 2]);
});
