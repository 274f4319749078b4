import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { loadModel } from "../../models/load.js";
import { writeSmallGguf, writeSmallModel, writeTorchFolder } from "./small-model.js";

const objects = new Map<string, Uint8Array>();
let bytesSent = 0;

/** What reading takes of S3's protocol: HEAD, GET with a range, and the list of a bucket. */
const server = createServer((request, response) => {
  const url = new URL(request.url!, "http://localhost");
  const key = url.pathname.replace(/^\/bucket\/?/, "");
  if (url.searchParams.has("list-type")) {
    const prefix = url.searchParams.get("prefix") ?? "";
    const found = Array.from(objects.keys()).filter((name) => name.startsWith(prefix));
    const contents = found.map((name) => `<Contents><Key>${name}</Key></Contents>`).join("");
    response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
    return;
  }
  const object = objects.get(key);
  if (object === undefined) {
    response.writeHead(404).end();
    return;
  }
  const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
  const body = from === undefined ? object : object.subarray(Number(from), Number(to) + 1);
  response.writeHead(from === undefined ? 200 : 206, { "content-length": body.length, etag: '"1"' });
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  bytesSent += body.length;
  response.end(body);
});

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  process.env.S3_ENDPOINT = `http://127.0.0.1:${port}`;
  process.env.AWS_ACCESS_KEY_ID = "test";
  process.env.AWS_SECRET_ACCESS_KEY = "test";
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function upload(path: string, key: string): Promise<void> {
  objects.set(key, await readFile(path));
}

test("folders and a GGUF file in S3 are read like local ones, a block's weights alone where a block is asked for", async () => {
  const [folder, torch, gguf] = [await writeSmallModel(), await writeTorchFolder(), await writeSmallGguf()];
  for (const name of await readdir(folder)) await upload(join(folder, name), `models/small/${name}`);
  for (const name of await readdir(torch)) await upload(join(torch, name), `models/torch/${name}`);
  await upload(gguf, `models/${basename(gguf)}`);
  const cases = [
    { remote: "s3://bucket/models/small", local: folder, width: 4, header: 0 },
    // float16, and the header before each storage in the archive.
    { remote: "s3://bucket/models/torch", local: torch, width: 2, header: 30 },
    { remote: "s3://bucket/models/model.gguf", local: gguf, width: 4, header: 0 },
  ];
  for (const { remote, local, width, header } of cases) {
    const [fromS3, fromDisk] = [await loadModel(remote), await loadModel(local)];
    bytesSent = 0;
    const block = await fromS3.block(1);
    assert.deepEqual(block, await fromDisk.block(1));
    const blockBytes = Array.from(block.values()).reduce((sum, { data }) => sum + header + data.length * width, 0);
    assert.equal(bytesSent, blockBytes);
    assert.deepEqual(await fromS3.head(), await fromDisk.head());
    await Promise.all([fromS3.close(), fromDisk.close()]);
  }
});

test("a model that isn't in S3 is unknown", async () => {
  await assert.rejects(loadModel("s3://bucket/models/none"), { name: "UnknownModel" });
  await assert.rejects(loadModel("s3://bucket/models/none.gguf"), { name: "UnknownModel" });
});
