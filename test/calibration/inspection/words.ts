import type { NamedSet } from "../../../calibration/inspection/findings.js";
import { setOfTokens } from "../../../calibration/set.js";
import type { Tokenizer } from "../../../models/tokenizer.js";

export const BOS = "<s>";

/** A tokenizer with a token a word (with the white space before it), as many as texts have; BOS is token 0. */
export function wordTokenizer(vocabSize = 1000): Tokenizer {
  const words = [BOS];
  const ids = new Map([[BOS, 0]]);
  const idOf = (word: string) => {
    const known = ids.get(word) ?? words.push(word) - 1;
    ids.set(word, known);
    return known;
  };
  return {
    digest: "words",
    vocabSize,
    bosTokenId: 0,
    eosTokenId: null,
    addsBos: false,
    encode: (text) => Int32Array.from(text.match(/<s>|\s*[^\s<]+|\s*</g) ?? [], idOf),
    decode: (given) => Array.from(given, (id) => words[id] ?? "").join(""),
  };
}

/** Sets of one source each text of which is a sequence; texts are cut to the shortest. */
export function setOfTexts(tokenizer: Tokenizer, source: string, name: string, texts: readonly string[]): NamedSet {
  const encoded = texts.map((text) => tokenizer.encode(text));
  const length = Math.min(...encoded.map((tokens) => tokens.length));
  return { source, name, set: setOfTokens(encoded.map((tokens) => tokens.slice(0, length))) };
}

/** Words that no text with another seed has. */
export function uniqueWords(seed: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `w${seed}x${i}`).join(" ");
}

const SUBJECTS = [
  "The committee",
  "My neighbour",
  "A young engineer",
  "The old harbour",
  "Nobody in the village",
  "The museum",
];
const VERBS = [
  "had decided to repair",
  "never wanted to sell",
  "was looking for",
  "could not forget",
  "has always admired",
];
const OBJECTS = [
  "the wooden bridge",
  "a letter from the north",
  "the broken clock",
  "their first garden",
  "the last train",
];
const ENDS = [
  "before winter came",
  "although it was late",
  "with great patience",
  "because of the rain",
  "for many years",
];

/** English sentences; other seeds give others. */
export function english(seed: number, sentences: number): string {
  return Array.from({ length: sentences }, (_, i) => {
    const pick = (list: readonly string[], step: number) => list[(seed * step + i * (step + seed)) % list.length];
    return `${pick(SUBJECTS, 7)} ${pick(VERBS, 3)} ${pick(OBJECTS, 11)} number ${seed * 100 + i} ${pick(ENDS, 13)}.`;
  }).join(" ");
}

export const GERMAN =
  "Die Kinder liefen über die alte Brücke, weil sie den Zug noch erreichen wollten, der jeden Abend um sieben Uhr in die große Stadt fährt. " +
  "Niemand wusste, warum der Bahnhof an diesem Tag geschlossen war, und deshalb warteten sie lange im Regen vor dem Haus ihrer Großmutter.";
