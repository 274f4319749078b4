import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readDocuments } from "../../calibration/documents.js";
import { firstSequences, sampleSets } from "../../calibration/sample.js";
import { decodeSet, encodeSet } from "../../calibration/set.js";
import { loadModel } from "../../models/load.js";
import type { Tokenizer } from "../../models/tokenizer.js";
import { sourceSchema } from "../../study/source.js";
import { sharedFolder } from "../shared.js";
import { settings } from "./corpus.js";

const model = ".touchstone/models/SmolLM2-135M-Instruct.Q4_1.gguf";
const corpora = join(sharedFolder() ?? "", "data", "corpora");
const skip =
  sharedFolder() === undefined || !existsSync(model) ? "needs the sample corpora and the quickstart's model" : false;

const sources = [
  ["c4", "text"],
  ["wikipedia", "text"],
  ["cnn_dm", "article"],
  ["web", "content"],
] as const;

async function tokenizerOf(path: string): Promise<Tokenizer> {
  const opened = await loadModel(path);
  try {
    return await opened.tokenizer();
  } finally {
    await opened.close();
  }
}

for (const [id, field] of sources) {
  test(`windows of ${id} are pieces of its documents as the model's tokenizer has them`, { skip }, async () => {
    const files = [join(corpora, `${id}.jsonl.gz`)];
    const tokenizer = await tokenizerOf(model);
    const request = {
      ...{ source: sourceSchema.parse({ id, path: files[0], field }), files, tokenizer },
      ...{ settings: settings({ length: 512, largestSize: 4 }), sets: [0, 1] },
    };
    const sets = await sampleSets(request);
    const texts = new Map<string, string>();
    for await (const { place, text } of readDocuments(files, field)) texts.set(place, text);
    const sequences = sets.flatMap((set) => set.sequences);
    assert.equal(new Set(sequences.map(({ documents }) => documents[0])).size, 8);
    for (const { documents, offset, tokens } of sequences) {
      const ids = tokenizer.encode(texts.get(documents[0]) ?? "");
      assert.deepEqual(tokens, ids.slice(offset, offset + 512));
    }
    assert.deepEqual(decodeSet(encodeSet(sets[1]), "set"), sets[1]);
    assert.equal(firstSequences(sets[0], 2).sequences.length, 2);
  });
}

test("no document with as many tokens as it takes has too few bytes to be looked at", { skip }, async () => {
  const tokenizer = await tokenizerOf(model);
  for (const [id, field] of sources) {
    for await (const { text } of readDocuments([join(corpora, `${id}.jsonl.gz`)], field)) {
      const start = text.slice(0, 400);
      assert.ok(tokenizer.encode(start).length <= Buffer.byteLength(start) + 4);
    }
  }
});
