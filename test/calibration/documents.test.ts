import assert from "node:assert/strict";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createGzip } from "node:zlib";
import { readDocuments, sourceFiles } from "../../calibration/documents.js";
import { sampleSets } from "../../calibration/sample.js";
import { sourceSchema } from "../../study/source.js";
import { settings, tokensOf, wordTokenizer } from "./corpus.js";

const fixtures = fileURLToPath(new URL("../../../test/storage/fixtures", import.meta.url));
setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "documents-"));
});

after(() => rm(folder, { recursive: true }));

async function textsOf(files: readonly string[], field = "text"): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of readDocuments(files, field)) texts.push(text);
  return texts;
}

test("each format gives the same documents", async () => {
  const expected = await textsOf([join(fixtures, "documents.jsonl")]);
  assert.equal(expected.length, 12);
  for (const name of ["zstd.jsonl.zst", "snappy.parquet", "stream.arrow", "uncompressed.feather"]) {
    assert.deepEqual(await textsOf([join(fixtures, name)]), expected, name);
  }
});

test("each format gives the same calibration set", async () => {
  const drawFrom = async (name: string) => {
    const tokenizer = { ...wordTokenizer(), encode: (text: string) => Int32Array.from(Buffer.from(text)) };
    const [set] = await sampleSets({
      source: sourceSchema.parse({ id: "s", path: name }),
      files: [join(fixtures, name)],
      tokenizer,
      settings: settings({ length: 32, largestSize: 4 }),
      sets: [1],
    });
    return tokensOf(set);
  };
  const expected = await drawFrom("documents.jsonl");
  for (const name of ["zstd.jsonl.zst", "zstd.parquet", "stream.arrow"])
    assert.deepEqual(await drawFrom(name), expected);
});

test("a folder is its files of known formats, a text file one document", async () => {
  const corpus = join(folder, "corpus");
  await mkdir(join(corpus, "deeper"), { recursive: true });
  await writeFile(join(corpus, "b.txt"), "\uFEFFOne document,\ntwo lines.\n");
  await writeFile(join(corpus, "deeper", "a.jsonl"), '{"text":"first"}\n{"text":"second"}\n');
  await writeFile(join(corpus, "README.md"), "Not a document.");
  await writeFile(join(corpus, "data.csv"), "text\nnot a document");
  const files = await sourceFiles(corpus);
  assert.deepEqual(
    files.map((file) => file.slice(corpus.length + 1)),
    ["b.txt", "deeper/a.jsonl"],
  );
  assert.deepEqual(await textsOf(files), ["One document,\ntwo lines.\n", "first", "second"]);
  assert.deepEqual(await sourceFiles(join(corpus, "**/*.jsonl")), [join(corpus, "deeper", "a.jsonl")]);
});

test("a source without files of a known format is an error that says which formats are known", async () => {
  const empty = join(folder, "unknown");
  await mkdir(empty);
  await assert.rejects(sourceFiles(empty), { name: "InvalidData", message: /no such file or folder/ });
  await writeFile(join(empty, "notes.md"), "x");
  for (const path of [empty, join(empty, "notes.md")]) {
    await assert.rejects(sourceFiles(path), {
      name: "InvalidData",
      message: /known format.*\.jsonl.*\.parquet.*\.txt/,
    });
  }
  await assert.rejects(sourceFiles(join(folder, "absent")), { name: "InvalidData", message: /no such file.*absent/ });
});

test("a missing field is an error with file, line and the fields that there are", async () => {
  const path = join(folder, "fields.jsonl");
  await writeFile(path, '{"text":"a","url":"x"}\n\n{"content":"b","url":"y"}\n');
  await assert.rejects(textsOf([path]), {
    name: "InvalidData",
    message: /no field "text" \(.*fields\.jsonl, line 3\)\. The fields are: content, url/,
  });
  await assert.rejects(textsOf([join(fixtures, "snappy.parquet")], "content"), {
    message: /no field "content" \(.*snappy\.parquet\)\. The fields are: text, id, choices/,
  });
});

test("a field that is no text is an error with file, line or row, and what it is", async () => {
  const path = join(folder, "null.jsonl");
  await writeFile(path, '{"text":"a"}\n{"text":null}\n');
  await assert.rejects(textsOf([path]), {
    name: "InvalidData",
    message: /not text but null \(.*null\.jsonl, line 2\)/,
  });
  for (const name of ["snappy.parquet", "stream.arrow"]) {
    await assert.rejects(textsOf([join(fixtures, name)], "id"), {
      message: new RegExp(`not text but number \\(.*${name}, row 1`),
    });
    await assert.rejects(textsOf([join(fixtures, name)], "choices"), { message: /not text but object/ });
  }
});

test("text files that are empty or not UTF-8 are errors", async () => {
  await writeFile(join(folder, "empty.txt"), "");
  await writeFile(join(folder, "latin1.txt"), Buffer.from("caf\xe9", "latin1"));
  await assert.rejects(textsOf([join(folder, "empty.txt")]), { name: "InvalidData", message: /empty.*empty\.txt/ });
  await assert.rejects(textsOf([join(folder, "latin1.txt")]), {
    name: "InvalidData",
    message: /not UTF-8.*latin1\.txt/,
  });
});

test("a source much larger than `room` is sampled in little memory", async () => {
  const path = join(folder, "large.jsonl.gz");
  const documents = 20_000;
  const words = Array.from({ length: 1000 }, (_, i) => `w${i}`).join(" ");
  const lines = Readable.from(
    (function* () {
      for (let d = 0; d < documents; d++) yield `${JSON.stringify({ text: `w${d} ${words}` })}\n`;
    })(),
  );
  await pipeline(lines, createGzip({ level: 1 }), createWriteStream(path));

  let peak = 0;
  const before = memory();
  const [set] = await sampleSets(
    {
      source: sourceSchema.parse({ id: "s", path }),
      files: [path],
      tokenizer: wordTokenizer(),
      settings: settings({ length: 64, largestSize: 16 }),
      sets: [0],
      room: 2 ** 20,
    },
    () => {
      peak = Math.max(peak, memory() - before);
    },
  );
  assert.equal(set.provenance.documents.seen, documents);
  // The source has 98 MB of text. What is held is at most 2 MiB of text, and chunks of the file of at most 1 MiB in a few places.
  assert.ok(peak < 16e6, `${(peak / 1e6).toFixed(0)} MB more in use`);
});

/** Bytes in use after a collection. */
function memory(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
