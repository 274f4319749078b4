import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { readDocuments, sourceFiles } from "../../calibration/documents.js";
import { readRows } from "../../storage/rows.js";

const fixtures = fileURLToPath(new URL("../../../test/storage/fixtures", import.meta.url));
const objects = new Map<string, Uint8Array>();
/** Keys whose answers break off halfway. */
const breaking = new Set<string>();
let server: Server;

/** As much of S3 as reading takes: ListObjectsV2, HeadObject, GetObject with a range. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const [, , ...parts] = decodeURIComponent(url.pathname).split("/");
  const key = parts.join("/");
  if (key === "") {
    const prefix = url.searchParams.get("prefix") ?? "";
    const found = Array.from(objects.keys()).filter((name) => name.startsWith(prefix));
    const contents = found.map((name) => `<Contents><Key>${name}</Key></Contents>`).join("");
    response.end(`<?xml version="1.0"?><ListBucketResult>${contents}</ListBucketResult>`);
    return;
  }
  const bytes = objects.get(key);
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "");
  const body = range === null ? bytes : bytes.subarray(Number(range[1]), Number(range[2]) + 1);
  response.writeHead(range === null ? 200 : 206, { "content-length": body.length, etag: '"1"' });
  if (request.method === "HEAD") response.end();
  else if (breaking.has(key)) response.write(body.subarray(0, body.length / 2), () => response.destroy());
  else response.end(body);
}

before(async () => {
  for (const name of ["documents.jsonl", "zstd.jsonl.zst", "snappy.parquet", "stream.arrow", "uncompressed.feather"]) {
    objects.set(`corpus/${name}`, await readFile(join(fixtures, name)));
  }
  objects.set("corpus/gzip.jsonl.gz", gzipSync(objects.get("corpus/documents.jsonl") ?? ""));
  objects.set("corpus/README.md", Buffer.from("Not a document."));
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.S3_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env.AWS_ACCESS_KEY_ID = "test";
  process.env.AWS_SECRET_ACCESS_KEY = "test";
});

after(() => {
  server.closeAllConnections();
  server.close();
});

async function rowsOf(uri: string): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const row of readRows(uri)) rows.push(row);
  return rows;
}

test("each format has the same records in the object store as on disk", async () => {
  const expected = await rowsOf(join(fixtures, "documents.jsonl"));
  for (const key of objects.keys()) {
    if (key !== "corpus/README.md") assert.deepEqual(await rowsOf(`s3://bucket/${key}`), expected, key);
  }
});

test("a prefix or a glob is a source, without what is of no known format", async () => {
  assert.equal((await sourceFiles("s3://bucket/corpus")).length, 6);
  const files = await sourceFiles("s3://bucket/corpus/*.jsonl*");
  assert.equal(files.length, 3);
  const places: string[] = [];
  for await (const { place } of readDocuments(files, "text")) places.push(place);
  assert.deepEqual([places.length, places[0]], [36, "s3://bucket/corpus/documents.jsonl:1"]);
});

test("a missing object is final, an answer that breaks off can be tried again", async () => {
  await assert.rejects(rowsOf("s3://bucket/absent.jsonl"), { name: "InvalidData", message: /absent\.jsonl/ });
  for (const name of ["documents.jsonl", "gzip.jsonl.gz", "zstd.jsonl.zst", "snappy.parquet", "stream.arrow"]) {
    breaking.add(`corpus/${name}`);
    await assert.rejects(rowsOf(`s3://bucket/corpus/${name}`), { name: "StorageUnavailable", retryable: true }, name);
  }
});
