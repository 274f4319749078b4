import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readTaskRecords } from "../../evaluation/records.js";
import { taskNamed } from "../../evaluation/registry.js";
import { type HubDataset, isManual, ofSplit } from "../../hub/dataset.js";
import { fetchDataset } from "../../hub/fetch-dataset.js";
import { openDataFolder } from "../../hub/folder.js";
import { hubFromEnvironment } from "../../hub/hub.js";
import { datasetsOf } from "../../hub/registry.js";
import type { Wanted } from "../../hub/wanted.js";
import { startS3 } from "../storage/s3-server.js";
import { commitOf, type HubServer, startHub } from "./hub-server.js";

const fixtures = fileURLToPath(new URL("../../../test/storage/fixtures", import.meta.url));
const server: HubServer = await startHub();
const s3 = await startS3();
const home = await mkdtemp(join(tmpdir(), "touchstone-hub-"));
process.env.TOUCHSTONE_HOME = join(home, "home");
after(() => rm(home, { recursive: true, force: true }));

let folders = 0;
let out = "";
beforeEach(() => {
  out = join(home, `out-${folders++}`);
  server.repositories.clear();
  server.gated.clear();
  server.faults = [];
  server.asked = [];
  server.fromCdn = [];
  server.pageSize = 1000;
});

const dataset = (name: string): HubDataset => {
  const [known] = datasetsOf([name]);
  return isManual(known) ? assert.fail(name) : known;
};

/** Puts files on the hub, at the registry's commit or at `main`'s. */
function publish({ dataset: name, revision }: HubDataset, files: Record<string, Uint8Array>, commit = commitOf(name)) {
  const pinned = /^[0-9a-f]{40}$/.test(revision);
  const repository = server.repositories.get(name) ?? { branches: {}, commits: {} };
  const at = pinned && commit === commitOf(name) ? revision : commit;
  repository.commits[at] = new Map(Object.entries(files));
  repository.branches.main = at;
  if (!pinned) repository.branches[revision] = at;
  server.repositories.set(name, repository);
  return at;
}

async function fetchInto(
  place: string,
  wantedSet: HubDataset,
  wanted: Wanted = {},
  env: NodeJS.ProcessEnv = {},
  seen: number[] = [],
) {
  const patience = { attempts: 3, firstWaitMs: 1 };
  const hub = await hubFromEnvironment({ HOME: home, HF_ENDPOINT: `${server.endpoint}/`, ...env }, patience);
  return fetchDataset(wantedSet, openDataFolder(place), hub, wanted, (done) => seen.push(done));
}
const fetchIt = (wantedSet: HubDataset, wanted?: Wanted, env?: NodeJS.ProcessEnv) =>
  fetchInto(out, wantedSet, wanted, env);

const manifest = async () => JSON.parse(await readFile(join(out, "touchstone-data.json"), "utf8"));
const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const lines = (texts: readonly string[]) => Buffer.from(texts.map((text) => `${JSON.stringify({ text })}\n`).join(""));
const wiki = dataset("wikipedia");
const shard = (i: number) => `data/20220301.en/train-0000${i}-of-00041.parquet`;
const someBytes = randomBytes(5000);

test("a task's records are where evaluation reads them, as the hub has them", async () => {
  const lambada = dataset("lambada");
  const arc = dataset("arc_easy");
  const parquet = await readFile(join(fixtures, "snappy.parquet"));
  publish(lambada, {
    "data/lambada_test.jsonl": lines(["The end of the story", "And a last word"]),
    "README.md": someBytes,
  });
  publish(arc, { "ARC-Easy/test-00000-of-00001.parquet": parquet, "ARC-Easy/train-00000-of-00001.parquet": someBytes });
  await fetchIt(lambada);
  await fetchIt(arc);
  await fetchIt(ofSplit(arc, "train"));
  const { records } = await readTaskRecords(out, taskNamed("lambada"));
  assert.deepEqual(records, [{ text: "The end of the story" }, { text: "And a last word" }]);
  assert.deepEqual(await readFile(join(out, "arc_easy.parquet")), parquet);
  assert.ok((await readTaskRecords(out, taskNamed("arc_easy"))).records.length > 0);
  assert.deepEqual((await readdir(out)).sort(), [
    ...["arc_easy.parquet", "arc_easy.train.parquet", "lambada_openai.jsonl", "touchstone-data.json"],
  ]);
  const { datasets } = await manifest();
  assert.equal(datasets.arc_easy.revision, arc.revision);
  assert.deepEqual(datasets.arc_easy.outputs[0].sha256, digest(parquet));
});

test("a split of several files becomes one, in their order; WikiText's rows are joined by two newlines", async () => {
  const standard = dataset("lambada_standard");
  const parquet = await readFile(join(fixtures, "snappy.parquet"));
  const other = await readFile(join(fixtures, "zstd.parquet"));
  publish(standard, {
    "plain_text/test-00001-of-00002.parquet": other,
    "plain_text/test-00000-of-00002.parquet": parquet,
  });
  await fetchIt(standard);
  const expected = (await readFile(join(fixtures, "documents.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { records } = await readTaskRecords(out, taskNamed("lambada_standard"));
  assert.deepEqual(records, [...expected, ...expected]);

  const wikitext = dataset("wikitext2");
  publish(wikitext, { "wikitext-2-raw-v1/test-00000-of-00001.parquet": parquet });
  await fetchIt(wikitext);
  const text = await readFile(join(out, "wikitext2.txt"), "utf8");
  assert.equal(text, expected.map((record) => record.text).join("\n\n"));
});

test("shards of a source: the first ones, over all pages of the listing, and more of them later only add", async () => {
  server.pageSize = 2;
  const files = Object.fromEntries([3, 1, 2, 0, 4].map((i) => [shard(i), randomBytes(2000 + i)]));
  publish(wiki, { ...files, "data/20220301.en/README.md": lines(["no shard"]) });
  const names = async () =>
    (await readdir(join(out, "wikipedia/data/20220301.en"))).sort().map((name) => Number(name.slice(10, 11)));
  await fetchIt(wiki);
  assert.deepEqual(await names(), [0]);
  await fetchIt(wiki, { bytes: 6100 });
  assert.deepEqual(await names(), [0, 1, 2]);
  server.fromCdn = [];
  const { entry, downloaded } = await fetchIt(wiki, { shards: Number.POSITIVE_INFINITY });
  assert.deepEqual([await names(), entry.available, downloaded], [[0, 1, 2, 3, 4], 5, 2003 + 2004]);
  assert.equal(server.fromCdn.length, 2);
  for (const [path, bytes] of Object.entries(files))
    assert.deepEqual(await readFile(join(out, "wikipedia", path)), bytes);
  server.asked = [];
  await fetchIt(wiki, { shards: 4 });
  assert.equal(server.asked.length, 0, "nothing is asked where nothing is missing");
});

test("a branch is pinned at the first run: what is fetched later is of the same commit", async () => {
  const pajama = dataset("redpajama");
  const files = { "arxiv_sample.jsonl": lines(["a"]), "book_sample.jsonl": lines(["b"]) };
  const first = publish(pajama, files);
  await fetchIt(pajama, { shards: 1 });
  publish(
    pajama,
    { "arxiv_sample.jsonl": lines(["other"]), "book_sample.jsonl": lines(["another"]) },
    commitOf("moved"),
  );
  const { entry } = await fetchIt(pajama);
  assert.equal(entry.revision, first);
  assert.deepEqual(await readFile(join(out, "redpajama/book_sample.jsonl")), files["book_sample.jsonl"]);
});

test("refs/convert/parquet is asked for by its name, and pinned", async () => {
  const story = dataset("xstorycloze_ar");
  const at = publish(story, { "ar/eval/0000.parquet": someBytes });
  const { entry } = await fetchIt(story);
  assert.equal(entry.revision, at);
  assert.ok(server.asked.some(({ path }) => path.endsWith("/revision/refs%2Fconvert%2Fparquet")));
  assert.deepEqual(await readFile(join(out, "xstorycloze_ar.parquet")), someBytes);
});

test("another revision in the folder is said, and replaced only by force", async () => {
  const files = { [shard(0)]: someBytes, [shard(1)]: someBytes.subarray(1) };
  publish(wiki, files);
  const later = publish(wiki, { [shard(0)]: someBytes.subarray(2) }, commitOf("later"));
  await fetchIt(wiki, { shards: 2 });
  await assert.rejects(fetchIt(wiki, { revision: "main" }), { name: "InvalidData", message: /97a0b052.*--force/ });
  const { entry } = await fetchIt(wiki, { revision: later, force: true });
  assert.deepEqual(
    entry.outputs.map(({ path }) => path),
    [`wikipedia/${shard(0)}`],
  );
  assert.deepEqual(await readdir(join(out, "wikipedia/data/20220301.en")), ["train-00000-of-00041.parquet"]);
});

test("files of somebody else's are not overwritten, and records that evaluation would read instead are named", async () => {
  const arc = dataset("arc_easy");
  publish(arc, { "ARC-Easy/test-00000-of-00001.parquet": someBytes });
  await mkdir(out);
  await writeFile(join(out, "arc_easy.jsonl"), "{}\n");
  await assert.rejects(fetchIt(arc), { name: "InvalidData", message: /arc_easy\.jsonl/ });
  await rm(join(out, "arc_easy.jsonl"));
  await writeFile(join(out, "arc_easy.parquet"), "mine");
  await assert.rejects(fetchIt(arc), { name: "InvalidData", message: /arc_easy\.parquet.*--force/ });
  assert.equal(await readFile(join(out, "arc_easy.parquet"), "utf8"), "mine");
  await fetchIt(arc, { force: true });
  assert.deepEqual(await readFile(join(out, "arc_easy.parquet")), someBytes);
});

test("a file that is the hub's is found, though a run ended before it could note it", async () => {
  publish(wiki, { [shard(0)]: someBytes });
  const path = join(out, "wikipedia", shard(0));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, someBytes);
  const { downloaded, entry } = await fetchIt(wiki);
  assert.deepEqual([downloaded, server.fromCdn.length, entry.outputs[0].sha256], [0, 0, digest(someBytes)]);
});

test("a damaged list of what was fetched is said; without it the files are found again", async () => {
  publish(wiki, { [shard(0)]: someBytes });
  await fetchIt(wiki);
  await writeFile(join(out, "touchstone-data.json"), "{");
  await assert.rejects(fetchIt(wiki), { name: "InvalidData", message: /touchstone-data\.json/ });
  await rm(join(out, "touchstone-data.json"));
  assert.equal((await fetchIt(wiki)).downloaded, 0);
});

test("offline, what is there is enough, and what isn't is said without a request", async () => {
  publish(wiki, { [shard(0)]: someBytes, [shard(1)]: someBytes });
  await assert.rejects(fetchIt(wiki, {}, { HF_HUB_OFFLINE: "1" }), { name: "InvalidData", message: /HF_HUB_OFFLINE/ });
  await fetchIt(wiki);
  server.asked = [];
  assert.equal((await fetchIt(wiki, {}, { HF_HUB_OFFLINE: "1" })).downloaded, 0);
  await assert.rejects(fetchIt(wiki, { shards: 2 }, { HF_HUB_OFFLINE: "1" }), { name: "InvalidData" });
  assert.equal(server.asked.length, 0);
});

test("no space is said before anything is downloaded", async () => {
  publish(wiki, { [shard(0)]: someBytes });
  const tree = [
    { type: "file", path: shard(0), size: 9e15, oid: commitOf("x"), lfs: { oid: digest(someBytes), size: 9e15 } },
  ];
  server.faults.push({ of: /tree/, status: 200, body: JSON.stringify(tree) });
  await assert.rejects(fetchIt(wiki), { name: "DiskFull", message: /9000000\.0 GB.*--shards/ });
  assert.equal(server.fromCdn.length, 0);
});

test("a gated data set: which page to accept, and the token; with it the files come, but no token goes to another host", async () => {
  publish(wiki, { [shard(0)]: someBytes });
  server.gated.add(wiki.dataset);
  await assert.rejects(fetchIt(wiki), {
    name: "AccessDenied",
    message: /restricted.*No token.*datasets\/legacy-datasets\/wikipedia.*HF_TOKEN/,
  });
  await fetchIt(wiki, {}, { HF_TOKEN: "hf_reader" });
  assert.ok(
    server.asked
      .filter(({ path }) => path.includes("resolve"))
      .every((one) => one.authorization === "Bearer hf_reader"),
  );
  assert.deepEqual(
    server.fromCdn.map((one) => one.authorization),
    [undefined],
  );
});

test("the token of HF_HOME is taken, HF_TOKEN first; what can't be one is refused", async () => {
  await writeFile(join(home, "token"), "hf_reader\n");
  assert.equal((await hubFromEnvironment({ HF_HOME: home })).token, "hf_reader");
  assert.equal((await hubFromEnvironment({ HF_HOME: home, HF_TOKEN: "hf_other" })).token, "hf_other");
  assert.equal((await hubFromEnvironment({ HOME: join(home, "none") })).token, undefined);
  await assert.rejects(hubFromEnvironment({ HF_TOKEN: "secret" }), { name: "InvalidSettings", message: /HF_TOKEN/ });
  await assert.rejects(hubFromEnvironment({ HF_ENDPOINT: "hub" }), { name: "InvalidSettings", message: /HF_ENDPOINT/ });
});

test("a data set, a revision, a folder or a file that isn't there (any more) is named", async () => {
  await assert.rejects(fetchIt(wiki, {}, { HF_TOKEN: "hf_reader" }), {
    name: "InvalidData",
    message: /404.*wikipedia/,
  });
  publish(wiki, { "README.md": someBytes });
  await assert.rejects(fetchIt(wiki), { name: "InvalidData", message: /20220301\.en/ });
  await assert.rejects(fetchIt(wiki, { revision: "gone" }), { name: "InvalidData", message: /gone.*--revision/ });
  publish(wiki, { "data/20220301.en/other.parquet": someBytes });
  await assert.rejects(fetchIt(wiki), { name: "InvalidData", message: /train-\*\.parquet/ });
  publish(wiki, { [shard(0)]: someBytes });
  server.faults.push({ of: /resolve/, status: 404 });
  await assert.rejects(fetchIt(wiki), { name: "InvalidData", message: /train-00000/ });
});

test("429 is waited for as long as the hub says, 5xx is tried again; both end, and say so", async () => {
  publish(wiki, { [shard(0)]: someBytes });
  server.faults.push({ of: /tree/, status: 429, headers: { "Retry-After": "1" } });
  server.faults.push({ of: /resolve/, status: 503, times: 2 });
  const started = performance.now();
  await fetchIt(wiki);
  // One second is what the hub asked for; timers may be a millisecond early.
  assert.ok(performance.now() - started > 990);
  assert.deepEqual(await readFile(join(out, "wikipedia", shard(0))), someBytes);
  for (const [status, said] of [
    [429, /429.*HF_TOKEN/],
    [500, /500/],
  ] as const) {
    out = join(home, `busy-${status}`);
    server.faults = [{ of: /resolve/, status, times: 3, headers: { "Retry-After": "0" } }];
    await assert.rejects(fetchIt(wiki), { name: "ServiceUnavailable", retryable: true, message: said });
  }
  server.faults = [{ of: /tree/, status: 429, times: 9, headers: { "Retry-After": "3600" } }];
  await assert.rejects(fetchIt(wiki), { name: "ServiceUnavailable" }, "an hour is not waited for");
});

test("a body that breaks off or ends early goes on from where it is", async () => {
  publish(wiki, { [shard(0)]: someBytes });
  server.faults = [
    { of: /^legacy/, breakAfter: 1000 },
    { of: /^legacy/, endAfter: 500 },
  ];
  const seen: number[] = [];
  await fetchInto(out, wiki, {}, {}, seen);
  assert.deepEqual(
    server.fromCdn.map(({ range }) => range),
    [undefined, "bytes=1000-", "bytes=1500-"],
  );
  assert.deepEqual(await readFile(join(out, "wikipedia", shard(0))), someBytes);
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
    "progress never goes back",
  );
  assert.equal(seen.at(-1), someBytes.length);
});

test("a server that ignores ranges sends the file anew; one that brings nothing is given up", async () => {
  publish(wiki, { [shard(0)]: someBytes });
  server.faults = [
    { of: /^legacy/, breakAfter: 1000 },
    { of: /^legacy/, ignoreRange: true },
  ];
  await fetchIt(wiki);
  assert.deepEqual(await readFile(join(out, "wikipedia", shard(0))), someBytes);
  out = join(home, "nothing");
  server.faults = [{ of: /^legacy/, endAfter: 0, times: 100 }];
  await assert.rejects(fetchIt(wiki), { name: "ServiceUnavailable", message: /end early/ });
});

for (const [title, fault] of [
  ["other bytes", { corrupt: true }],
  ["more bytes", { longer: true }],
] as const) {
  test(`${title} than listed are removed and said, for files in and aside from git; the next run is clean`, async () => {
    const pajama = dataset("redpajama");
    publish(wiki, { [shard(0)]: someBytes });
    publish(pajama, { "arxiv_sample.jsonl": lines(["a small file"]) });
    for (const one of [wiki, pajama]) {
      server.faults = [{ of: /^legacy.*parquet|resolve.*jsonl/, ...fault }];
      await assert.rejects(fetchIt(one), { name: "InvalidData", message: /another file than it lists/ });
      assert.deepEqual(await readdir(join(out, ".partial")), []);
      await fetchIt(one);
    }
    assert.deepEqual(await readFile(join(out, "wikipedia", shard(0))), someBytes);
  });
}

test("a disk that fills up is said; bytes of an earlier run that are damaged are found out by the checksum", async () => {
  publish(wiki, { [shard(0)]: someBytes });
  const partial = join(out, ".partial", `sha256-${digest(someBytes).slice(0, 40)}.parquet`);
  await mkdir(dirname(partial), { recursive: true });
  await symlink("/dev/full", partial);
  await assert.rejects(fetchIt(wiki), { name: "DiskFull" });
  await rm(partial);
  await writeFile(partial, new Uint8Array(1000));
  await assert.rejects(fetchIt(wiki), { name: "InvalidData", message: /checksum/ });
  await fetchIt(wiki);
  assert.deepEqual(await readFile(join(out, "wikipedia", shard(0))), someBytes);
});

test("an unreachable hub, or an answer that isn't the hub's, is said", async () => {
  await assert.rejects(fetchIt(wiki, {}, { HF_ENDPOINT: "http://127.0.0.1:9" }), {
    name: "ServiceUnavailable",
    message: /HF_ENDPOINT/,
  });
  server.faults = [{ of: /tree/, status: 200, body: "<html>log in to the network</html>" }];
  publish(wiki, { [shard(0)]: someBytes });
  await assert.rejects(fetchIt(wiki), { name: "ServiceUnavailable" });
});

test("into a bucket: whole objects, and what is there is not fetched again", async () => {
  publish(wiki, { [shard(0)]: someBytes, [shard(1)]: someBytes.subarray(1) });
  await fetchInto("s3://corpora/here", wiki);
  assert.deepEqual(Buffer.from(s3.objects.get(`corpora/here/wikipedia/${shard(0)}`) ?? []), someBytes);
  server.fromCdn = [];
  const { entry, downloaded } = await fetchInto("s3://corpora/here", wiki, { shards: 2 });
  assert.deepEqual([entry.outputs.length, downloaded, server.fromCdn.length], [2, someBytes.length - 1, 1]);
  s3.objects.delete(`corpora/here/wikipedia/${shard(1)}`);
  assert.equal((await fetchInto("s3://corpora/here", wiki, { shards: 2 })).downloaded, someBytes.length - 1);
  s3.failure = { status: 403, code: "AccessDenied", message: "Access Denied" };
  await assert.rejects(fetchInto("s3://corpora/here", wiki), { name: "StorageDenied" });
  s3.failure = undefined;
});
