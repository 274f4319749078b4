import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { decodeSet, tokensDigest } from "../../../calibration/set.js";
import { sampleCommand } from "../../../client/commands/sample.js";

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sample-"));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer()));
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify({ bos_token: "<s>", eos_token: "</s>" }));
  const lines = Array.from({ length: 30 }, (_, i) => JSON.stringify({ content: `${i}:${"ab".repeat(2 * i)}` }));
  await writeFile(join(folder, "corpus.jsonl"), lines.join("\n"));
});

after(() => rm(folder, { recursive: true }));

/** A token for each byte that is a printable ASCII character, and BOS and EOS. */
function byteTokenizer() {
  const characters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  const special = ["<s>", "</s>"].map((content, i) => ({
    ...{ id: 94 + i, content, special: true, normalized: false },
    ...{ single_word: false, lstrip: false, rstrip: false },
  }));
  return {
    added_tokens: special,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: Object.fromEntries(characters.map((c, i) => [c, i])), merges: [] },
  };
}

async function run(...args: string[]) {
  const written: string[] = [];
  const output = mock.method(process.stdout, "write", (text: string) => written.push(text) > 0);
  const out = join(folder, "sets", "set.arrow");
  try {
    const fixed = ["--source", join(folder, "corpus.jsonl"), "--tokenizer", folder, "--out", out];
    await sampleCommand()
      .exitOverride()
      .parseAsync([...fixed, "--field", "content", ...args], { from: "user" });
  } finally {
    output.mock.restore();
  }
  return { output: written.join(""), set: decodeSet(await readFile(out), out) };
}

test("the set has the size and length that were asked for, and --json one document that describes it", async () => {
  const { output, set } = await run("--size", "5", "--length", "40", "--seed", "3", "--json");
  assert.deepEqual(
    set.sequences.map(({ tokens }) => tokens.length),
    [40, 40, 40, 40, 40],
  );
  const summary = JSON.parse(output);
  assert.deepEqual([summary.digest, summary.sequences, summary.source], [tokensDigest(set), 5, "corpus"]);
  assert.deepEqual([summary.documents.seen, summary.documents.longEnough, summary.documents.used], [30, 5, 5]);
  assert.deepEqual(set.provenance?.settings, {
    ...{ length: 40, seed: 3, pack: false, bos: "document", reuse: false, largestSize: 5 },
  });
});

test("each option does what it says", async () => {
  const size = ["--size", "2", "--length", "20"];
  const first = await run(...size);
  const [again, second, seeded, named] = [
    await run(...size),
    await run(...size, "--set", "1"),
    await run(...size, "--seed", "1"),
    await run(...size, "--id", "another"),
  ];
  assert.match(first.output, /2 sequences of 20 tokens[\s\S]*30 seen/);
  assert.equal(tokensDigest(again.set), tokensDigest(first.set));
  const digests = [first, second, seeded, named].map(({ set }) => tokensDigest(set));
  assert.equal(new Set(digests).size, 4);
  const packed = await run("--size", "10", "--length", "100", "--pack", "--bos", "window");
  assert.ok(packed.set.sequences.every(({ tokens }) => tokens[0] === 94));
  const reused = await run("--size", "60", "--length", "100", "--reuse");
  assert.equal(reused.set.sequences.length, 60);
  await assert.rejects(run("--size", "60", "--length", "100"), { name: "NotEnoughDocuments" });
});

test("numbers that are none are refused with the option's name", async () => {
  mock.method(process.stderr, "write", () => true);
  for (const [option, value] of [
    ["--size", "0"],
    ["--length", "-3"],
    ["--seed", "1.5"],
    ["--bos", "nowhere"],
  ]) {
    await assert.rejects(run(option, value), { code: "commander.invalidArgument", message: new RegExp(option) });
  }
  mock.restoreAll();
});
