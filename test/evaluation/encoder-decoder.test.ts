import assert from "node:assert/strict";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { packAlone } from "../../evaluation/packing.js";
import { evaluatePerplexity, tokenPerplexity } from "../../evaluation/perplexity.js";
import { encodeRequest } from "../../evaluation/requests.js";
import { rollingPerplexity } from "../../evaluation/rolling.js";
import { scoreSequences } from "../../evaluation/score.js";
import { forwardTokens } from "../../models/forward.js";
import { loadModel } from "../../models/load.js";
import { checkoutFolder } from "../../storage/home.js";
import { toNumber } from "../../study/figures.js";
import { loadBackend } from "../../tensor/backend.js";
import { scratchFolder } from "../models/small-model.js";
import { BOS, characterTokenizer, EOS } from "./character-tokenizer.js";

const references = join(checkoutFolder, "test", "models", "references");

/** What make-harness.py wrote: a context, a continuation, their log-likelihood, and whether it is greedy; rolling, a text and its own. */
interface Expected {
  requests: readonly [string, string, number, boolean][];
  documents: readonly [string, number][];
}

async function harnessModel(): Promise<{ folder: string; expected: Expected }> {
  const folder = await scratchFolder();
  for (const from of ["unigram", "harness_t5"]) await cp(join(references, from), folder, { recursive: true });
  const expected = JSON.parse(await readFile(join(references, "harness_t5", "expected.json"), "utf8"));
  return { folder, expected };
}

/** The harness's float32 log-softmax is off by about 1e-5 a token. */
const tolerance = (tokens: number) => 2e-5 * tokens + 2e-5;

before(loadBackend);

test("requests have the log-likelihoods that lm-evaluation-harness gives an encoder-decoder", async () => {
  const { folder, expected } = await harnessModel();
  const model = await loadModel(folder);
  const tokenizer = await model.tokenizer();
  const options = { addBos: "auto", maxLength: model.config.maxPositionEmbeddings, encoderDecoder: true } as const;
  const asked = expected.requests.map(([context, continuation]) =>
    encodeRequest(tokenizer, { context, continuation }, options),
  );
  const scores = await scoreSequences(model, asked);
  for (const [i, [context, continuation, loglikelihood, greedy]] of expected.requests.entries()) {
    const { tokens, from } = asked[i];
    const error = Math.abs(scores[i].loglikelihood - loglikelihood);
    assert.ok(error <= tolerance(tokens.length - from), `${JSON.stringify([context, continuation])}: ${error}`);
    assert.equal(scores[i].greedy, greedy);
  }
  assert.ok(asked.some(({ dropped }) => dropped > 0));
  await model.close();
});

test("documents have the log-likelihoods that the harness gives them, window by window", async () => {
  const { folder, expected } = await harnessModel();
  const model = await loadModel(folder);
  const tokenizer = await model.tokenizer();
  for (const [text, loglikelihood] of expected.documents) {
    const { evaluation, bytes } = await rollingPerplexity(model, tokenizer, [text], { id: "text", length: null });
    const found = -Math.log(toNumber(evaluation.metrics.byte_perplexity)!) * bytes;
    assert.ok(Math.abs(found - loglikelihood) <= tolerance(evaluation.count), `${text}: ${found}, ${loglikelihood}`);
  }
  await model.close();
});

test("an encoder-decoder's request: each part by itself, the context with the tokenizer's own template", () => {
  const tokenizer = characterTokenizer({ addsBos: true });
  const encode = (context: string, continuation: string, maxLength = 100) => {
    const options = { addBos: false, maxLength, encoderDecoder: true } as const;
    const { tokens, from, dropped } = encodeRequest(tokenizer, { context, continuation }, options);
    const shown = Array.from(tokens, (id) => (id === BOS ? "^" : id === EOS ? "$" : String.fromCharCode(id)));
    return { context: shown.slice(0, from).join(""), continuation: shown.slice(from).join(""), dropped };
  };
  assert.deepEqual(encode("ab", " c"), { context: "^ab", continuation: " c", dropped: 0 });
  assert.deepEqual(encode("ab \n", "c"), { context: "^ab", continuation: " \nc", dropped: 0 });
  assert.deepEqual(encode("", "cd"), { context: "^", continuation: "cd", dropped: 0 });
  assert.deepEqual(encode(" ", "c"), { context: "^", continuation: " c", dropped: 0 });
  assert.deepEqual(encode("abcd", "ef", 3), { context: "bcd", continuation: "ef", dropped: 2 });
  assert.deepEqual(encode("ab", "cdefg", 3), { context: "^ab", continuation: "efg", dropped: 2 });
});

test("each request is a row, whose places of the decoder predict their own tokens", () => {
  const [pack, ...others] = packAlone([
    { tokens: Int32Array.of(5, 6, 7, 8), from: 4 },
    { tokens: Int32Array.of(5, 6, 7, 8), from: 2 },
  ]);
  assert.deepEqual(others, []);
  assert.equal(pack.tree.encoderTokens, 2);
  assert.deepEqual(pack.predictions, [
    { place: 2, token: 7, sequence: 1 },
    { place: 3, token: 8, sequence: 1 },
  ]);
});

test("perplexity: a window's first half is read, and the mean is over the tokens of the second", async () => {
  const model = await loadModel((await harnessModel()).folder);
  const windows = [
    Int32Array.from({ length: 9 }, (_, i) => 3 + 7 * i),
    Int32Array.from({ length: 9 }, (_, i) => 400 - i),
  ];
  const { perplexity, tokens } = await tokenPerplexity(model, windows);
  assert.equal(tokens, 8);
  const { logits } = await forwardTokens(model, windows);
  assert.deepEqual(logits.shape, [2, 4, 512]);
  const logProbabilities = tf.tidy(() => tf.logSoftmax(tf.tensor(logits.data, [8, 512])).dataSync());
  const given = windows.flatMap((window) => Array.from(window.subarray(5)));
  const total = given.reduce((sum, token, row) => sum + logProbabilities[row * 512 + token], 0);
  assert.ok(Math.abs(Math.log(perplexity) + total / 8) <= tolerance(1));
  const { evaluation } = await evaluatePerplexity(model, windows, { id: "windows" });
  assert.equal(evaluation.count, 8);
  await model.close();
});

test("a sequence of one token has nothing for the decoder", async () => {
  const model = await loadModel((await harnessModel()).folder);
  await assert.rejects(forwardTokens(model, [Int32Array.of(3)]), { name: "InvalidData", message: /fewer than two/ });
  await model.close();
});
