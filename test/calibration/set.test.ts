import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readCalibration } from "../../calibration/read-calibration.js";
import { firstSequences } from "../../calibration/sample.js";
import { decodeSet, encodeSet, type SampledSet, setOfTokens, tokensDigest } from "../../calibration/set.js";
import { decodeArrow, encodeArrow } from "../../storage/arrow.js";
import { documentsOf, draw, tokensOf } from "./corpus.js";

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "set-"));
});

after(() => rm(folder, { recursive: true }));

async function write(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function drawn(pack: boolean, index = 0): Promise<SampledSet> {
  const [set] = await draw(documentsOf([9, 2, 12, 30, 6, 7, 8, 21]), [index], { pack, largestSize: 3 });
  return set;
}

test("a set is the same after writing and reading, whole or cut, packed or not", async () => {
  for (const pack of [false, true]) {
    const set = await drawn(pack);
    for (const each of [set, firstSequences(set, 1), firstSequences(set, 2)]) {
      assert.deepEqual(decodeSet(encodeSet(each), "set.arrow"), each);
    }
  }
});

test("a set of token ids alone is the same after writing and reading, and has the digest of a drawn one that holds the same", async () => {
  const set = await drawn(false);
  const given = setOfTokens(set.sequences.map(({ tokens }) => tokens));
  assert.deepEqual(decodeSet(encodeSet(given), "set.arrow"), given);
  assert.equal(given.provenance, null);
  assert.equal(tokensDigest(given), tokensDigest(set));
});

test("the file has a row a sequence, and says where it is from", async () => {
  const set = await drawn(false);
  const table = decodeArrow(encodeSet(set), "set.arrow");
  assert.deepEqual(table.names, ["source", "document", "offset", "tokens"]);
  assert.deepEqual([table.rows, table.listSize("tokens")], [3, 4]);
  assert.deepEqual(Array.from(table.numbers("tokens")), tokensOf(set).flat());
  assert.deepEqual(table.texts("source"), ["source", "source", "source"]);
  assert.equal(table.metadata.get("kind"), "calibration set");
  assert.equal(table.metadata.get("digest"), tokensDigest(set));
  assert.equal(table.metadata.get("seed"), "0");
  assert.equal(table.metadata.get("tokenizer"), "words");
});

test("the digest is that of the tokens and their length: neither index nor provenance count", async () => {
  const set = await drawn(false);
  const elsewhere = { ...set, provenance: { ...set.provenance, index: 7, tokenizer: "another" } };
  assert.equal(tokensDigest(elsewhere), tokensDigest(set));
  const other = structuredClone(set);
  other.sequences[2].tokens[3]++;
  assert.notEqual(tokensDigest(other), tokensDigest(set));
  assert.notEqual(tokensDigest(await drawn(false, 1)), tokensDigest(set));
});

test("altered tokens are found by the digest", async () => {
  const set = await drawn(false);
  const bytes = encodeSet(set);
  const sought = Buffer.from(set.sequences[1].tokens.buffer);
  const at = Buffer.from(bytes).indexOf(sought);
  assert.ok(at > 0);
  const altered = Uint8Array.from(bytes);
  altered[at] ^= 1;
  assert.throws(() => decodeSet(altered, "set.arrow"), { name: "InvalidData", message: /digest.*set\.arrow/ });
});

test("an Arrow file that is no calibration set, or no Arrow file, is an error", () => {
  const other = encodeArrow("activations", { hidden: { kind: "numbers", values: new Float32Array(3) } });
  assert.throws(() => decodeSet(other, "other.arrow"), { name: "InvalidData", message: /not a whole calibration set/ });
  assert.throws(() => decodeSet(new Uint8Array(20), "bytes.arrow"), { name: "InvalidData" });
});

test("readCalibration reads a set's Arrow file and a JSON file with the same tokens alike", async () => {
  const set = await drawn(false);
  const arrow = await readCalibration(await write("set.arrow", encodeSet(set)));
  const json = await readCalibration(await write("tokens.json", JSON.stringify({ input_ids: tokensOf(set) })));
  assert.deepEqual(arrow, json);
  assert.deepEqual(
    json.map((ids) => Array.from(ids)),
    tokensOf(set),
  );
});

const broken: readonly (readonly [string, string, RegExp])[] = [
  ["empty.json", "", /empty.*empty\.json/],
  ["words.json", "tokens", /neither an \.arrow file nor JSON.*input_ids/],
  ["key.json", '{"tokens":[[1]]}', /input_ids/],
  ["none.json", '{"input_ids":[]}', /input_ids/],
  ["text.json", '{"input_ids":[["a"]]}', /input_ids\[0\]\[0\]/],
  ["negative.json", '{"input_ids":[[1,-2]]}', /input_ids\[0\]\[1\]/],
  ["half.json", '{"input_ids":[[1,2.5]]}', /input_ids\[0\]\[1\]/],
  ["ragged.json", '{"input_ids":[[1,2],[3]]}', /Sequence 1 has 1 tokens, but the first has 2/],
  ["bytes.arrow", "not Arrow", /Arrow/],
];
for (const [name, content, message] of broken) {
  test(`${name} is refused as calibration: ${message.source}`, async () => {
    await assert.rejects(readCalibration(await write(name, content)), { name: "InvalidData", message });
  });
}

test("a missing calibration file is an error that names it", async () => {
  await assert.rejects(readCalibration(join(folder, "absent.json")), { name: "InvalidData", message: /absent\.json/ });
});
