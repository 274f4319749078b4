import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { precompiledNormalizer } from "../../models/precompiled-charsmap.js";
import type { Tokenizer } from "../../models/tokenizer.js";
import { loadFolderTokenizer } from "../../models/tokenizer-load.js";
import { checkoutFolder } from "../../storage/home.js";
import { folderWith } from "./small-model.js";

/** What make-unigram.py wrote: a vocabulary of T5's kind, and the tokenizers library's ids. */
const folder = join(checkoutFolder, "test", "models", "references", "unigram");

interface Expected {
  texts: readonly string[];
  ids: readonly (readonly number[])[];
  /** As T5 1.1 and Flan-T5 have it: what follows the table of replacements, and the pre-tokenizer. */
  later: { after: readonly object[]; pre_tokenizer: object; ids: readonly (readonly number[])[] };
}

async function read() {
  const json = JSON.parse(await readFile(join(folder, "tokenizer.json"), "utf8"));
  const expected: Expected = JSON.parse(await readFile(join(folder, "expected.json"), "utf8"));
  return { json, expected };
}

function assertIds(tokenizer: Tokenizer, texts: readonly string[], ids: Expected["ids"]): void {
  for (const [i, text] of texts.entries())
    assert.deepEqual(Array.from(tokenizer.encode(text)), ids[i], JSON.stringify(text));
}

test("a Unigram vocabulary as T5 1.0 has it gives the tokenizers library's ids of mixed texts", async () => {
  const { expected } = await read();
  assert.ok(expected.texts.length >= 1000);
  assertIds(await loadFolderTokenizer(folder), expected.texts, expected.ids);
});

test("and so it does as T5 1.1 and Flan-T5 have it", async () => {
  const { json, expected } = await read();
  const { after, pre_tokenizer, ids } = expected.later;
  const normalizer = { type: "Sequence", normalizers: [json.normalizer, ...after] };
  const later = await folderWith({ "tokenizer.json": JSON.stringify({ ...json, normalizer, pre_tokenizer }) });
  assertIds(await loadFolderTokenizer(later), expected.texts, ids);
  assert.notDeepEqual(ids, expected.ids);
});

test("EOS is put after a text, and none before", async () => {
  const tokenizer = await loadFolderTokenizer(folder);
  assert.deepEqual([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.addsBos], [null, 1, false]);
  assert.deepEqual(
    tokenizer.encode("bakori"),
    Int32Array.of(...tokenizer.encode("bakori", { specialTokens: false }), 1),
  );
  assert.equal(tokenizer.decode(tokenizer.encode("bakori te", { specialTokens: false })), "bakori te");
});

test("a table of replacements that is cut off is InvalidModel, and one that isn't the first is refused", async () => {
  const { json } = await read();
  const table = Buffer.from(json.normalizer.precompiled_charsmap, "base64");
  for (const length of [0, 3, 10, 1000]) {
    const cut = table.subarray(0, length).toString("base64");
    assert.throws(() => precompiledNormalizer(cut, "model"), { name: "InvalidModel", message: /precompiled_charsmap/ });
  }
  const normalizer = { type: "Sequence", normalizers: [{ type: "NFC" }, json.normalizer] };
  const model = await folderWith({ "tokenizer.json": JSON.stringify({ ...json, normalizer }) });
  await assert.rejects(loadFolderTokenizer(model), { name: "InvalidModel", message: /Precompiled.*not the first/ });
});
