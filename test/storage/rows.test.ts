import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { hasRows, readNumberedRows, readRows } from "../../storage/rows.js";

const fixtures = fileURLToPath(new URL("../../../test/storage/fixtures", import.meta.url));
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "rows-"));
});

after(() => rm(folder, { recursive: true }));

async function write(name: string, content: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function rowsOf(uri: string): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const row of readRows(uri)) rows.push(row);
  return rows;
}

async function expected(): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(fixtures, "documents.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const stored = [
  ...["documents.jsonl", "zstd.jsonl.zst", "stream.arrow", "uncompressed.feather", "zstd.feather"],
  ...["none", "snappy", "gzip", "zstd", "brotli", "lz4", "delta"].map((codec) => `${codec}.parquet`),
];

for (const name of stored) {
  test(`${name} has the records that were written, nested values too`, async () => {
    assert.deepEqual(await rowsOf(join(fixtures, name)), await expected());
  });
}

test("a column of nulls alone is read from LZ4 too", async () => {
  const rows = await rowsOf(join(fixtures, "nulls-lz4.parquet"));
  assert.deepEqual(rows, [...["a", "b", "c"].map((text) => ({ text, none: null }))]);
});

test("columns of megabytes, which the library asks for one by one, are read", async () => {
  const texts = (seed: number) => Array.from({ length: 3000 }, (_, i) => `${seed * i} `.repeat(200));
  const columns = ["a", "b", "c"].map((name, i) => ({ name, data: texts(i + 1) }));
  const bytes = parquetWriteBuffer({ columnData: columns, codec: "UNCOMPRESSED" });
  const rows = await rowsOf(await write("large.parquet", new Uint8Array(bytes)));
  assert.equal(rows.length, 3000);
  assert.deepEqual(rows[7], { a: "7 ".repeat(200), b: "14 ".repeat(200), c: "21 ".repeat(200) });
});

test("gzip in one or several members has the same records, under .json too", async () => {
  const plain = await readFile(join(fixtures, "documents.jsonl"));
  const members = Buffer.concat([gzipSync(plain.subarray(0, 1000)), gzipSync(plain.subarray(1000))]);
  for (const [name, bytes] of [
    ["one.jsonl.gz", gzipSync(plain)],
    ["several.json.gz", members],
  ] as const)
    assert.deepEqual(await rowsOf(await write(name, bytes)), await expected());
});

test("several Zstandard frames have the records of all", async () => {
  const frame = await readFile(join(fixtures, "zstd.jsonl.zst"));
  const rows = await expected();
  assert.deepEqual(await rowsOf(await write("frames.jsonl.zst", Buffer.concat([frame, frame]))), [...rows, ...rows]);
});

test("blank lines, a byte order mark and Windows line ends change nothing, and lines keep their numbers", async () => {
  const path = await write("lines.jsonl", '\uFEFF{"a":1}\r\n\r\n  \n{"a":2}');
  const rows = [];
  for await (const row of readNumberedRows(path)) rows.push(row);
  assert.deepEqual(rows, [
    { number: 1, fields: { a: 1 } },
    { number: 4, fields: { a: 2 } },
  ]);
});

test("a line may be longer than the chunks in which a file is read", async () => {
  const text = "é".repeat(3 * 2 ** 20);
  const path = await write("long.jsonl", `${JSON.stringify({ text })}\n${JSON.stringify({ text: "b" })}\n`);
  assert.deepEqual(
    (await rowsOf(path)).map((row) => row.text),
    [text, "b"],
  );
});

const checksummed = ["zstd.jsonl.zst", "stream.arrow", "uncompressed.feather", "zstd.feather", "snappy.parquet"];
for (const name of checksummed) {
  test(`${name} cut anywhere is an error that names it`, async () => {
    const bytes = await readFile(join(fixtures, name));
    for (let size = 0; size < bytes.length; size += Math.ceil(bytes.length / 150)) {
      const path = await write(`cut-${name}`, bytes.subarray(0, size));
      await assert.rejects(
        rowsOf(path),
        { name: "InvalidData", message: new RegExp(`cut-${basename(name)}`) },
        `${size}`,
      );
    }
  });
}

test("gzip that is cut or altered anywhere is an error", async () => {
  const bytes = gzipSync(await readFile(join(fixtures, "documents.jsonl")));
  for (let at = 0; at < bytes.length; at += 7) {
    const cut = await write("cut.jsonl.gz", bytes.subarray(0, at));
    await assert.rejects(rowsOf(cut), { name: "InvalidData" }, `cut at ${at}`);
  }
  // Bytes 4 to 9 of the header are time, flags and system: nothing depends on them.
  for (let at = 10; at < bytes.length; at += 7) {
    const altered = Uint8Array.from(bytes);
    altered[at] ^= 0x10;
    await assert.rejects(rowsOf(await write("altered.jsonl.gz", altered)), { name: "InvalidData" }, `byte ${at}`);
  }
});

const broken: readonly (readonly [string, Uint8Array | string, RegExp])[] = [
  ["empty.jsonl", "", /empty.*empty\.jsonl/],
  ["empty.parquet", "", /empty.*empty\.parquet/],
  ["empty.arrow", "", /empty.*empty\.arrow/],
  ["blank.jsonl", "\n\n", /holds no records/],
  ["cut.jsonl", '{"text":"a"}\n{"text":"b', /not JSON.*cut\.jsonl, line 2/],
  ["list.jsonl", "[1, 2]\n", /a list, not a JSON object.*line 1/],
  ["number.jsonl", '{"a":1}\n7\n', /holds 7, not a JSON object.*line 2/],
  ["latin1.jsonl", Buffer.from('{"text":"caf\xe9"}\n', "latin1"), /not UTF-8.*line 1/],
  ["text.jsonl.gz", '{"text":"a"}\n', /truncated or corrupt.*text\.jsonl\.gz/],
  ["text.jsonl.zst", '{"text":"a"}\n', /truncated or corrupt.*text\.jsonl\.zst/],
  ["text.parquet", "this is not a Parquet file at all", /not a readable Parquet file/],
  ["text.arrow", "this is not an Arrow file at all", /not a readable Arrow file/],
  ["text.csv", "a,b\n", /not known by the file's name.*text\.csv.*\.jsonl/],
];
for (const [name, content, message] of broken) {
  test(`${name} is refused: ${message.source}`, async () => {
    await assert.rejects(rowsOf(await write(name, content)), { name: "InvalidData", message });
  });
}

test("a missing file is an error that names it", async () => {
  for (const name of ["none.jsonl", "none.parquet", "none.arrow", "none.jsonl.gz"]) {
    await assert.rejects(rowsOf(join(folder, name)), { name: "InvalidData", message: new RegExp(name) });
  }
});

test("LZ4 in Arrow files is refused with what to write instead", async () => {
  await assert.rejects(rowsOf(join(fixtures, "lz4.feather")), { name: "InvalidData", message: /LZ4.*zstd/ });
});

test("files are told by their names", () => {
  assert.deepEqual(["a.jsonl", "a.JSON.GZ", "b/c.parquet", "d.feather"].map(hasRows), [true, true, true, true]);
  assert.deepEqual(["a.txt", "a.gz", "jsonl", "a.jsonl.bak"].map(hasRows), [false, false, false, false]);
});

test("the error of a missing column says which there are, in each format that knows them beforehand", async () => {
  for (const name of ["snappy.parquet", "stream.arrow"]) {
    const rows = readNumberedRows(join(fixtures, name), "content");
    await assert.rejects(rows.next(), { name: "InvalidData", message: /no field "content".*text, id, choices/ });
  }
});
