import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadModel } from "../../models/load.js";
import { exactPreTokenizer } from "../../models/pre-tokenizers.js";
import { mergesByScore } from "../../models/sentencepiece-merges.js";
import { loadFolderTokenizer, loadGgufTokenizer } from "../../models/tokenizer-load.js";
import { scratchFolder, writeSmallModel } from "./small-model.js";

const added = (id: number, content: string) => ({ id, content, special: true, normalized: false });

/** Byte-level BPE that knows the letters a to c, the digits 1 and 2, spaces, and what they merge to. */
const BYTE_LEVEL = {
  added_tokens: [added(9, "<s>"), added(10, "</s>")],
  normalizer: null,
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      { type: "Digits", individual_digits: true },
      { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    ],
  },
  post_processor: null as object | null,
  decoder: { type: "ByteLevel" },
  model: {
    type: "BPE",
    vocab: { a: 0, b: 1, c: 2, "1": 3, "2": 4, Ġ: 5, ab: 6, Ġab: 7, "12": 8 },
    merges: ["a b", "Ġ ab", "1 2"],
  },
};
const BOS_TEMPLATE = {
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [],
  special_tokens: { "<s>": { id: "<s>", ids: [9], tokens: ["<s>"] } },
};

async function folderWith(tokenizer: unknown, settings?: unknown): Promise<string> {
  const folder = await scratchFolder();
  const text = (content: unknown) => (typeof content === "string" ? content : JSON.stringify(content));
  if (tokenizer !== undefined) await writeFile(join(folder, "tokenizer.json"), text(tokenizer));
  if (settings !== undefined) await writeFile(join(folder, "tokenizer_config.json"), text(settings));
  return folder;
}

const load = async (tokenizer: unknown, settings?: unknown) =>
  loadFolderTokenizer(await folderWith(tokenizer, settings));

test("text is cut, merged and put together again", async () => {
  const tokenizer = await load(BYTE_LEVEL, { bos_token: "<s>", eos_token: { content: "</s>" } });
  // Digits stand alone, so that 1 and 2 don't merge.
  assert.deepEqual(tokenizer.encode("ab abc 12</s>"), Int32Array.of(6, 7, 2, 5, 3, 4, 10));
  assert.equal(tokenizer.decode([6, 7, 2, 5, 3, 4, 10]), "ab abc 12</s>");
  assert.deepEqual(tokenizer.encode(""), new Int32Array(0));
  assert.equal(tokenizer.decode([]), "");
  const { bosTokenId, eosTokenId, addsBos, vocabSize } = tokenizer;
  assert.deepEqual(
    { bosTokenId, eosTokenId, addsBos, vocabSize },
    { bosTokenId: 9, eosTokenId: 10, addsBos: false, vocabSize: 9 },
  );
});

test("bytes that a vocabulary lacks are left out before merging, as by the reference", async () => {
  const tokenizer = await load(BYTE_LEVEL);
  // x is in no token: what was beside it merges. Other kinds of characters are cut before.
  assert.deepEqual(tokenizer.encode("axb xab"), Int32Array.of(6, 7));
  assert.deepEqual(tokenizer.encode("a\u0001b"), Int32Array.of(0, 1));
  assert.deepEqual(tokenizer.encode("x"), Int32Array.of());
});

test("the template puts special tokens around, unless they are declined or add_bos_token says otherwise", async () => {
  const withTemplate = { ...BYTE_LEVEL, post_processor: BOS_TEMPLATE };
  const cases = [
    { tokenizer: withTemplate, addBos: undefined, adds: true },
    { tokenizer: withTemplate, addBos: false, adds: false },
    { tokenizer: BYTE_LEVEL, addBos: true, adds: true },
    { tokenizer: BYTE_LEVEL, addBos: undefined, adds: false },
  ];
  for (const { tokenizer, addBos, adds } of cases) {
    const loaded = await load(tokenizer, { bos_token: "<s>", add_bos_token: addBos });
    assert.equal(loaded.addsBos, adds);
    assert.deepEqual(loaded.encode("ab"), adds ? Int32Array.of(9, 6) : Int32Array.of(6));
    assert.deepEqual(loaded.encode(""), adds ? Int32Array.of(9) : Int32Array.of());
    assert.deepEqual(loaded.encode("ab", { specialTokens: false }), Int32Array.of(6));
  }
});

test("the digest follows what determines the ids", async () => {
  const digest = async (tokenizer: unknown, settings?: unknown) => (await load(tokenizer, settings)).digest;
  const bos = { bos_token: "<s>" };
  assert.equal(await digest(BYTE_LEVEL, bos), await digest(BYTE_LEVEL, { ...bos, chat_template: "other" }));
  const digests = await Promise.all([
    digest(BYTE_LEVEL),
    digest(BYTE_LEVEL, bos),
    digest(BYTE_LEVEL, { ...bos, add_bos_token: true }),
    digest({ ...BYTE_LEVEL, model: { ...BYTE_LEVEL.model, merges: ["a b", "1 2", "Ġ ab"] } }, bos),
  ]);
  assert.equal(new Set(digests).size, 4);
});

test("digits and white space are the reference's, beyond ASCII and beyond JavaScript's own", () => {
  const digits = exactPreTokenizer({ type: "Digits", individual_digits: true });
  assert.deepEqual(digits, { type: "Split", pattern: { Regex: "\\p{N}" }, behavior: "Isolated", invert: false });
  assert.throws(() => exactPreTokenizer({ type: "Split", pattern: { Regex: "x" }, behavior: "MergedWithNext" }), {
    name: "InvalidModel",
    message: /MergedWithNext/,
  });
});

/** "▁ab ab" and the like: pieces with scores, and bytes for the rest. */
const BYTES = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`);
const PIECES = ["<unk>", "<s>", "</s>", ...BYTES, "▁a", "ab", "▁ab", "▁", "a", "b"];
const sentencePiece = (extra: [string, boolean][] = []) =>
  new Map<string, string | number | boolean | string[] | number[]>([
    ["tokenizer.ggml.model", "llama"],
    ["tokenizer.ggml.tokens", PIECES],
    ["tokenizer.ggml.scores", PIECES.map((_, id) => (id < 259 ? 0 : 259 - id))],
    ["tokenizer.ggml.token_type", PIECES.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1))],
    ["tokenizer.ggml.bos_token_id", 1],
    ["tokenizer.ggml.eos_token_id", 2],
    ...extra,
  ]);

test("a SentencePiece vocabulary merges by score, and falls back to bytes", async () => {
  const tokenizer = await loadGgufTokenizer(sentencePiece(), "test.gguf");
  assert.equal(tokenizer.addsBos, true);
  // "▁a" before "ab", so "▁ab" is made of "▁a" and "b"; é is two bytes.
  const [space, a, b, eacute] = [262, 263, 264, [3 + 0xc3, 3 + 0xa9]];
  assert.deepEqual(tokenizer.encode("ab b é"), Int32Array.of(1, 261, space, b, space, ...eacute));
  assert.equal(tokenizer.decode(tokenizer.encode("ab b é", { specialTokens: false })), "ab b é");
  const bare = await loadGgufTokenizer(
    sentencePiece([
      ["tokenizer.ggml.add_space_prefix", false],
      ["tokenizer.ggml.add_bos_token", false],
    ]),
    "test.gguf",
  );
  assert.deepEqual(bare.encode("a ab"), Int32Array.of(a, 261));
});

test("merges: higher scores first, and of one piece those of earlier parts", () => {
  const pieces = ["a", "b", "c", "bc", "ab", "abc"];
  assert.deepEqual(mergesByScore(pieces, [0, 0, 0, -3, -2, -1]), [
    ["a", "bc"],
    ["ab", "c"],
    ["a", "b"],
    ["b", "c"],
  ]);
});

/** Milliseconds of processor time: other programs run too. */
const times = (tokenizer: { encode(text: string): Int32Array }, text: string): number => {
  const started = process.cpuUsage();
  tokenizer.encode(text);
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
};

for (const [kind, make] of [
  ["byte-level", () => load(BYTE_LEVEL)],
  ["SentencePiece", () => loadGgufTokenizer(sentencePiece(), "test.gguf")],
] as const) {
  test(`${kind}: sixteen times the text takes nowhere near 256 times as long`, async () => {
    const tokenizer = await make();
    const document = "ab a b ".repeat(2500);
    times(tokenizer, document);
    const [short, long] = [document, document.repeat(16)].map((text) =>
      Math.min(times(tokenizer, text), times(tokenizer, text), times(tokenizer, text)),
    );
    // In proportion it would be 16; 64 leaves room for collecting garbage.
    assert.ok(long < 64 * Math.max(short, 0.5), `${short} ms, ${long} ms`);
  });
}

const broken: Record<string, { tokenizer: unknown; settings?: unknown; message: RegExp }> = {
  "is missing": { tokenizer: undefined, message: /no tokenizer\.json/ },
  "is truncated": { tokenizer: JSON.stringify(BYTE_LEVEL).slice(0, 100), message: /not JSON/ },
  "is empty": { tokenizer: "", message: /not JSON/ },
  "has no model": { tokenizer: { ...BYTE_LEVEL, model: undefined }, message: /model/ },
  "has no vocabulary": { tokenizer: { ...BYTE_LEVEL, model: { type: "BPE", merges: [] } }, message: /vocab/ },
  "has an empty vocabulary": {
    tokenizer: { ...BYTE_LEVEL, added_tokens: [], model: { type: "BPE", vocab: {}, merges: [] } },
    message: /empty/,
  },
  "merges what it doesn't know": {
    tokenizer: { ...BYTE_LEVEL, model: { ...BYTE_LEVEL.model, merges: ["a x"] } },
    message: /merge "a x"/,
  },
  "has an unknown part": { tokenizer: { ...BYTE_LEVEL, pre_tokenizer: { type: "Novel" } }, message: /Novel/ },
  "looks for neither a string nor a regular expression": {
    tokenizer: {
      ...BYTE_LEVEL,
      normalizer: { type: "Sequence", normalizers: [{ type: "Replace", pattern: { Strng: "x" }, content: "" }] },
    },
    message: /pattern \{"Strng":"x"\} of Replace/,
  },
  "lacks its BOS token": {
    tokenizer: BYTE_LEVEL,
    settings: { bos_token: "<bos>" },
    message: /<bos>.*tokenizer_config/,
  },
  "has corrupt settings": { tokenizer: BYTE_LEVEL, settings: "{", message: /tokenizer_config\.json/ },
};

for (const [what, { tokenizer, settings, message }] of Object.entries(broken)) {
  test(`a tokenizer that ${what} makes the model invalid`, async () => {
    await assert.rejects(load(tokenizer, settings), { name: "InvalidModel", message });
  });
}

test("a GGUF vocabulary that is missing or of an unknown kind makes the model invalid", async () => {
  const rejects = (change: [string, string | string[]][], message: RegExp) =>
    assert.rejects(loadGgufTokenizer(new Map([...sentencePiece(), ...change]), "test.gguf"), {
      name: "InvalidModel",
      message,
    });
  await assert.rejects(loadGgufTokenizer(new Map(), "test.gguf"), { name: "InvalidModel", message: /tokens/ });
  await rejects([["tokenizer.ggml.model", "t5"]], /t5/);
  await rejects(
    [
      ["tokenizer.ggml.model", "gpt2"],
      ["tokenizer.ggml.pre", "novel"],
    ],
    /novel/,
  );
  await rejects(
    [
      ["tokenizer.ggml.model", "gpt2"],
      ["tokenizer.ggml.pre", "gpt-2"],
    ],
    /merges/,
  );
  await rejects([["tokenizer.ggml.scores", []]], /scores/);
});

test("a tokenizer with more tokens than the model's vocabulary doesn't fit", async () => {
  const folder = await writeSmallModel();
  const vocab = Object.fromEntries(Array.from({ length: 13 }, (_, id) => [String.fromCharCode(97 + id), id]));
  const large = { ...BYTE_LEVEL, added_tokens: [], model: { type: "BPE", vocab, merges: [] } };
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(large));
  const model = await loadModel(folder);
  await assert.rejects(model.tokenizer(), { name: "TokenizerMismatch", message: /13 tokens.*only 12/ });
  await writeFile(join(folder, "tokenizer.json"), await readFile(await fileOf(BYTE_LEVEL)));
  const tokenizer = await model.tokenizer();
  assert.equal(tokenizer.vocabSize, 9);
  assert.equal(await model.tokenizer(), tokenizer, "it is read once");
  await model.close();
});

const fileOf = async (tokenizer: unknown) => join(await folderWith(tokenizer), "tokenizer.json");
