import assert from "node:assert/strict";
import { test } from "node:test";
import { loadFolderTokenizer, tokenizerFilesOf } from "../../models/tokenizer-load.js";
import { sentencePieceModel } from "./sentencepiece-file.js";
import { folderWith } from "./small-model.js";

// Folders without tokenizer.json, as Vicuna's and OPT's are: tokenizer.model, or vocab.json and merges.txt.

type Files = Readonly<Record<string, string | Uint8Array | object>>;

/** Objects are written as JSON. */
function modelFolder(files: Files): Promise<string> {
  const written = Object.entries(files).map(([name, content]) => {
    const isRaw = typeof content === "string" || content instanceof Uint8Array;
    return [name, isRaw ? content : JSON.stringify(content)];
  });
  return folderWith(Object.fromEntries(written));
}

const load = async (files: Files) => loadFolderTokenizer(await modelFolder(files));

const [SPACE, SPACE_A, AB, SPACE_AB, A, B] = [3, 4, 5, 6, 7, 8];
const PIECES = [
  { piece: "<unk>", type: 2 },
  { piece: "<s>", type: 3 },
  { piece: "</s>", type: 3 },
  ...["▁", "▁a", "ab", "▁ab", "a", "b"].map((piece) => ({ piece, type: 1 })),
];

test("tokenizer.model: merged by score, BOS first, a space before the text", async () => {
  const tokenizer = await load({ "tokenizer.model": sentencePieceModel({ pieces: PIECES }) });
  assert.deepEqual(tokenizer.encode("ab b a"), Int32Array.of(1, SPACE_AB, SPACE, B, SPACE_A));
  assert.deepEqual([tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.vocabSize], [1, 2, 9]);
  assert.equal(tokenizer.decode([SPACE_AB, AB]), "abab");
  const bare = await load({
    "tokenizer.model": sentencePieceModel({ pieces: PIECES, normalizer: { add_dummy_prefix: false } }),
    "tokenizer_config.json": { add_bos_token: false, bos_token: "<s>" },
  });
  assert.deepEqual(bare.encode("a ab"), Int32Array.of(A, SPACE_AB));
});

const GPT2 = {
  "vocab.json": { a: 0, b: 1, Ġ: 2, ab: 3, Ġab: 4, "</s>": 5 },
  "merges.txt": "#version: 0.2\na b\nĠ ab\n",
};

test("vocab.json and merges.txt: byte-level, with the settings' special tokens", async () => {
  const settings = { tokenizer_class: "GPT2Tokenizer", bos_token: "</s>", eos_token: { content: "</s>" } };
  const plain = await load({ ...GPT2, "tokenizer_config.json": { ...settings, unk_token: "</s>" } });
  assert.deepEqual(plain.encode("ab ab</s>a"), Int32Array.of(3, 4, 5, 0));
  const opt = await load({ ...GPT2, "tokenizer_config.json": { ...settings, add_bos_token: true } });
  assert.deepEqual(opt.encode("ab"), Int32Array.of(5, 3));
});

test("tokens that a folder adds follow the vocabulary, and are found in texts", async () => {
  const decoder = { 9: { content: "[PAD]", special: true } };
  const found = await load({
    "tokenizer.model": sentencePieceModel({ pieces: PIECES }),
    "added_tokens.json": { "[PAD]": 9, "[ASK]": 10 },
    "tokenizer_config.json": { bos_token: "<s>", added_tokens_decoder: decoder },
  });
  assert.deepEqual(found.encode("[ASK]a[PAD]"), Int32Array.of(1, 10, SPACE_A, 9));
  const files = { ...GPT2, "added_tokens.json": { far: 8 } };
  await assert.rejects(load(files), { name: "InvalidModel", message: /"far" has the id 8, where 6 would follow/ });
});

test("a model's copy has the tokenizer.json that was made", async () => {
  const folder = await modelFolder({ "tokenizer.model": sentencePieceModel({ pieces: PIECES }) });
  const names = [...(await tokenizerFilesOf(folder)).keys()].sort();
  assert.deepEqual(names, ["tokenizer.json", "tokenizer.model", "tokenizer_config.json"]);
});

const refused: Record<string, { files: Files; message: RegExp }> = {
  "a truncated tokenizer.model": {
    files: { "tokenizer.model": sentencePieceModel({ pieces: PIECES }).subarray(0, -3) },
    message: /corrupt.*tokenizer\.model/,
  },
  "an empty tokenizer.model": { files: { "tokenizer.model": "" }, message: /corrupt/ },
  "a unigram model": {
    files: { "tokenizer.model": sentencePieceModel({ pieces: PIECES, trainer: { model_type: 1 } }) },
    message: /no BPE model/,
  },
  "a model that rewrites its text": {
    files: {
      "tokenizer.model": sentencePieceModel({
        pieces: PIECES,
        normalizer: { precompiled_charsmap: Uint8Array.of(1), remove_extra_whitespaces: true },
      }),
    },
    message: /rewrites characters.*removes white space/,
  },
  "vocab.json without merges.txt": { files: { "vocab.json": GPT2["vocab.json"] }, message: /no merges\.txt/ },
  "merges.txt without vocab.json": { files: { "merges.txt": "" }, message: /no vocab\.json/ },
  "another class of tokenizer": {
    files: { ...GPT2, "tokenizer_config.json": { tokenizer_class: "RobertaTokenizer" } },
    message: /RobertaTokenizer/,
  },
  "ids with a gap": { files: { ...GPT2, "vocab.json": { a: 0, b: 2 } }, message: /0, 1, 2/ },
  "a merge of what isn't there": { files: { ...GPT2, "merges.txt": "a x\n" }, message: /merge "a x"/ },
};

for (const [what, { files, message }] of Object.entries(refused)) {
  test(`refused: ${what}`, () => assert.rejects(load(files), { name: "InvalidModel", message }));
}
