import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { evaluatePerplexity, textWindows, tokenPerplexity, windowsOf } from "../../evaluation/perplexity.js";
import { readPerplexityInput, readPerplexityText } from "../../evaluation/perplexity-text.js";
import { loadModel } from "../../models/load.js";
import type { Model } from "../../models/model.js";
import { loadBackend } from "../../tensor/backend.js";
import { writeSmallModel } from "../models/small-model.js";
import { BOS, characterTokenizer } from "./character-tokenizer.js";

let folder: string;
let model: Model;
before(async () => {
  await loadBackend();
  folder = await mkdtemp(join(tmpdir(), "touchstone-perplexity-"));
  model = await loadModel(await writeSmallModel());
});
after(async () => {
  await model.close();
  await rm(folder, { recursive: true });
});

const text = (windows: readonly Int32Array[]) => windows.map((window) => characterTokenizer().decode(window));

test("windows are cut from one stream of tokens, and the tail is dropped", () => {
  assert.deepEqual(text(textWindows("abcdefgh", characterTokenizer(), 3, null)), ["abc", "def"]);
  assert.deepEqual(text(textWindows("abcdefgh", characterTokenizer(), 3, 1)), ["abc"]);
  assert.deepEqual(text(textWindows("abc", characterTokenizer(), 3, 7)), ["abc"]);
});

test("BOS stands at the stream's start only", () => {
  const windows = textWindows("abcde", characterTokenizer({ addsBos: true }), 3, null);
  assert.deepEqual(text(windows), ["^ab", "cde"]);
  assert.equal(windows[0][0], BOS);
});

test("a text shorter than a window is InvalidData, told with its file", () => {
  assert.throws(
    () => textWindows("ab", characterTokenizer(), 3, null, { where: "short.txt" }),
    (error: Error) => error.name === "InvalidData" && /has 2 tokens.*short\.txt/.test(error.message),
  );
});

test("each window is scored alone; the mean is over all predicted tokens", async () => {
  const windows = [Int32Array.of(1, 2, 3, 4), Int32Array.of(4, 5, 6, 7), Int32Array.of(4, 5, 8, 9)];
  const all = await tokenPerplexity(model, windows);
  const each = await Promise.all(windows.map((window) => tokenPerplexity(model, [window])));
  assert.equal(all.tokens, 9);
  const total = each.reduce((sum, { negativeLogLikelihoods }) => sum + negativeLogLikelihoods[0], 0);
  // Float32 roundings of log-probabilities.
  assert.ok(Math.abs(all.perplexity / Math.exp(total / 9) - 1) < 1e-5);
});

test("an evaluation has the perplexity, its error, the predicted tokens, and a sample a window", async () => {
  // The small model's vocabulary is 0 .. 11.
  const tokenizer = { ...characterTokenizer(), encode: (digits: string) => Int32Array.from(digits, Number) };
  const windows = windowsOf({ text: "123498765432" }, tokenizer, 4, null);
  const { evaluation, samples } = await evaluatePerplexity(model, windows, { id: "digits" });
  const { perplexity, negativeLogLikelihoods } = await tokenPerplexity(model, windows);
  assert.deepEqual(evaluation.metrics, { perplexity: { value: perplexity } });
  assert.deepEqual([evaluation.id, evaluation.kind, evaluation.count], ["digits", "perplexity", 9]);
  assert.ok((evaluation.standardErrors.perplexity.value ?? 0) > 0);
  assert.deepEqual(
    samples.map(({ task, record, choice, loglikelihood }) => [task, record, choice, loglikelihood]),
    Array.from(negativeLogLikelihoods, (sum, i) => ["digits", i, 0, -sum]),
  );
});

test("a plain text is read byte for byte", async () => {
  const path = join(folder, "plain.txt");
  await writeFile(path, "\ufeff = Title = \r\n\n\ttext \n");
  assert.equal(await readPerplexityText(path), "\ufeff = Title = \r\n\n\ttext \n");
});

test("records are joined by two newlines, each with its own newline", async () => {
  const path = join(folder, "rows.jsonl");
  const rows = ["", " = Title = \n", " text \n"];
  await writeFile(path, rows.map((row) => JSON.stringify({ text: row })).join("\n"));
  assert.equal(await readPerplexityText(path), "\n\n = Title = \n\n\n text \n");
});

test("a JSON file of token ids holds windows, and one of records a text", async () => {
  const path = join(folder, "tokens.json");
  await writeFile(
    path,
    JSON.stringify(
      {
        input_ids: [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
      },
      null,
      1,
    ),
  );
  const input = await readPerplexityInput(path);
  const windows = [Int32Array.of(1, 2, 3), Int32Array.of(4, 5, 6), Int32Array.of(7, 8, 9)];
  assert.deepEqual(input, { windows });
  assert.deepEqual(windowsOf(input, characterTokenizer(), 3, null), windows);
  assert.deepEqual(windowsOf(input, characterTokenizer(), 3, 2), windows.slice(0, 2));

  const records = join(folder, "records.json");
  await writeFile(records, '{"text":"a"}\n{"text":"b"}\n');
  assert.deepEqual(await readPerplexityInput(records), { text: "a\n\nb" });
  await writeFile(records, '{"text":"a","input_ids":[1,2]}\n');
  assert.deepEqual(await readPerplexityInput(records), { text: "a" });
});

test("a record without text is InvalidData, told with its number", async () => {
  const path = join(folder, "bad.jsonl");
  await writeFile(path, '{"text":"a"}\n{"content":"b"}\n');
  await assert.rejects(
    readPerplexityText(path),
    (error: Error) => error.name === "InvalidData" && error.message.includes("bad.jsonl, record 1"),
  );
});
