import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { rollingPerplexity, rollingWindows } from "../../evaluation/rolling.js";
import { countWords } from "../../evaluation/text.js";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { toNumber } from "../../study/figures.js";
import { loadBackend } from "../../tensor/backend.js";
import { SMALL_CONFIG, writeSmallModel } from "../models/small-model.js";
import { BOS, characterTokenizer } from "./character-tokenizer.js";

const PREFIX = -1;

let model: Model;
before(async () => {
  await loadBackend();
  model = await loadModel(await writeSmallModel());
});
after(() => model.close());

test("every token is scored once, in order, after at least one token that stands before it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 12 }), (length, maxLength) => {
      const tokens = Int32Array.from({ length }, (_, i) => i);
      const windows = rollingWindows(tokens, PREFIX, maxLength);
      const scored = windows.flatMap(({ tokens: read, from }) => Array.from(read.subarray(from)));
      assert.deepEqual(scored, Array.from(tokens));
      for (const { tokens: read, from } of windows) {
        assert.ok(from >= 1 && read.length <= maxLength + 1);
        // What is read is the document as it stands, after the prefix.
        read.forEach((token, i) => {
          assert.ok(i === 0 || token === read[i - 1] + 1);
        });
      }
    }),
  );
});

test("windows are the harness's: one token of context, and in the last as many as there is room for", () => {
  // lm_eval.utils: list(map(make_disjoint_window, get_rolling_token_windows(list(range(10)), -1, 4, 1))) gives
  // ([-1], [0, 1, 2, 3]), ([3], [4, 5, 6, 7]), ([5, 6, 7], [8, 9])
  const windows = rollingWindows(
    Int32Array.from({ length: 10 }, (_, i) => i),
    PREFIX,
    4,
  );
  assert.deepEqual(
    windows.map(({ tokens, from }) => [Array.from(tokens.subarray(0, from)), Array.from(tokens.subarray(from))]),
    [
      [[-1], [0, 1, 2, 3]],
      [[3], [4, 5, 6, 7]],
      [
        [5, 6, 7],
        [8, 9],
      ],
    ],
  );
});

test("words are counted as Python splits them", () => {
  // python3: [len(re.split(r"\s+", text)) for text in ("a b", " a\n\nb ", "", "a\x1cb", "a\ufeffb")]
  assert.deepEqual(["a b", " a\n\nb ", "", "a\x1cb", "a\ufeffb"].map(countWords), [2, 4, 1, 2, 1]);
});

test("the perplexities divide one sum, of plain forwards of the windows, by tokens, words and bytes", async () => {
  const vocab = SMALL_CONFIG.vocab_size;
  const plain = characterTokenizer();
  const tokenizer = { ...plain, encode: (text: string) => plain.encode(text).map((code) => (code % (vocab - 2)) + 2) };
  const documents = ["ab cd é", "xyz"];
  const { evaluation, samples, words, bytes } = await rollingPerplexity(model, tokenizer, documents, {
    id: "t",
    length: 4,
  });
  let sum = 0;
  for (const document of documents) {
    for (const { tokens, from } of rollingWindows(tokenizer.encode(document), BOS, 4)) {
      const { logits } = await forwardTokens(model, [tokens]);
      for (let i = from; i < tokens.length; i++) {
        const row = Array.from(logits.data.subarray((i - 1) * vocab, i * vocab));
        sum += row[tokens[i]] - Math.log(row.reduce((all, value) => all + Math.exp(value), 0));
      }
    }
  }
  assert.deepEqual([evaluation.count, words, bytes], [10, 4, 11]);
  assert.deepEqual(
    samples.map(({ record, choice }) => [record, choice]),
    [
      [0, 0],
      [0, 1],
      [1, 0],
    ],
  );
  const metric = (name: string) => toNumber(evaluation.metrics[name])!;
  // Float32 roundings of ten log-probabilities of a few units each.
  const close = (found: number, wanted: number) =>
    assert.ok(Math.abs(found / wanted - 1) < 1e-5, `${found}, ${wanted}`);
  close(metric("perplexity"), Math.exp(-sum / 10));
  close(metric("word_perplexity"), Math.exp(-sum / 4));
  close(metric("byte_perplexity"), Math.exp(-sum / 11));
  close(metric("bits_per_byte"), -sum / 11 / Math.log(2));
});
