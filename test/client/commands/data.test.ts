import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { readDocuments, sourceFiles } from "../../../calibration/documents.js";
import { parseStudySpec } from "../../../study/spec.js";
import { commitOf, startHub } from "../../hub/hub-server.js";

const cli = fileURLToPath(new URL("../../../client/cli.js", import.meta.url));
const server = await startHub();
const folder = await mkdtemp(join(tmpdir(), "touchstone-data-"));
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  TOUCHSTONE_HOME: join(folder, "home"),
  HF_ENDPOINT: server.endpoint,
};
const started: ChildProcess[] = [];
after(async () => {
  for (const child of started) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

const dataset = "togethercomputer/RedPajama-Data-1T-Sample";
const documents = (text: string) => Buffer.from(`${JSON.stringify({ text })}\n`);
const large = Buffer.concat([
  documents("b"),
  documents("x".repeat(300_000)),
  documents(randomBytes(100_000).toString("hex")),
]);
server.repositories.set(dataset, {
  branches: { main: commitOf("main") },
  commits: {
    [commitOf("main")]: new Map([
      ["arxiv_sample.jsonl", documents("a")],
      ["book_sample.jsonl", large],
      ["c4_sample.jsonl", documents("c")],
    ]),
  },
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [cli, "data", ...args], { env, cwd: folder });
  started.push(child);
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => (said.stdout += text));
  child.stderr.on("data", (text) => (said.stderr += text));
  return { child, said, ended: once(child, "close").then(([code]) => ({ code, ...said })) };
}
const run = (...args: string[]) => start(...args).ended;

/** The staged file, once it has some bytes. */
async function stagedWith(bytes: number): Promise<number> {
  const staging = join(folder, "corpora", ".partial");
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await sleep(20)) {
    for (const name of await readdir(staging).catch(() => [])) {
      const { size } = await stat(join(staging, name)).catch(() => ({ size: 0 }));
      if (size >= bytes) return size;
    }
  }
  return assert.fail("nothing was staged");
}

test("after kill -9 a fetch goes on: finished files and staged bytes are not asked for again", async () => {
  server.faults = [{ of: /^togethercomputer.*book_sample/, stallAfter: 200_000 }];
  const first = start("fetch", "redpajama", "--out", "corpora");
  const staged = await stagedWith(200_000);
  first.child.kill("SIGKILL");
  await first.ended;
  server.faults = [];
  server.asked = [];
  server.fromCdn = [];
  const { code, stdout, stderr } = await run("fetch", "redpajama", "--out", "corpora", "--json");
  assert.equal(code, 0, stderr);
  const resolved = server.asked
    .filter(({ path }) => path.includes("/resolve/"))
    .map(({ path }) => path.split("/").at(-1));
  assert.deepEqual(resolved, ["book_sample.jsonl", "c4_sample.jsonl"]);
  assert.deepEqual(
    server.fromCdn.map(({ range }) => range),
    [`bytes=${staged}-`],
  );
  assert.deepEqual(await readFile(join(folder, "corpora/redpajama/book_sample.jsonl")), large);
  assert.deepEqual((await readdir(join(folder, "corpora"))).sort(), ["redpajama", "touchstone-data.json"]);

  const report = JSON.parse(stdout);
  assert.equal(report.datasets[0].downloaded, large.length - staged + documents("c").length);
  const { sources } = parse(report.sources);
  const rest = { name: "x", models: [{ id: "m", path: "m" }], methods: [{ method: "wanda" }] };
  const spec = parseStudySpec({ ...rest, sources, evaluation: { perplexity: [{ id: "p", path: "p" }] } });
  assert.equal(sources[0].revision, commitOf("main"));
  const texts: string[] = [];
  const { path, field } = sources[0];
  for await (const { text } of readDocuments(await sourceFiles(path), field)) texts.push(text.slice(0, 1));
  assert.deepEqual([spec.sources[0].id, texts.slice(0, 3), texts.at(-1)], ["redpajama", ["a", "b", "x"], "c"]);
});

test("the report for people has a row a data set, and sources to paste", async () => {
  const { stdout, code } = await run("fetch", "redpajama", "--out", "corpora", "--shards", "2");
  assert.equal(code, 0);
  assert.match(stdout, /redpajama +3 +50\d kB +0B +together/);
  assert.equal(parse(stdout.slice(stdout.indexOf("sources:"))).sources[0].dataset, dataset);
});

test("what only its owners give: the page, and what to do; what the user put there is enough", async () => {
  const { code, stderr } = await run("fetch", "storycloze", "--out", "tasks");
  assert.equal(code, 1);
  assert.match(stderr, /^AccessDenied: storycloze_2016 can't be fetched.*rochester\.edu.*storycloze_2016\.jsonl.*\n$/m);
  await run("fetch", "redpajama", "--shards", "1", "--out", "tasks");
  await writeFile(join(folder, "tasks/storycloze.jsonl"), "{}\n");
  assert.equal((await run("fetch", "storycloze", "--out", "tasks")).code, 0);
});

test("wrong names and options are refused before anything is asked", async () => {
  server.asked = [];
  for (const [args, said] of [
    [["fetch", "arc_esay", "--out", "x"], /UnknownDataset: .*did you mean arc_easy/],
    [["fetch", "c4", "--out", "x", "--shards", "0"], /--shards/],
    [["fetch", "c4", "--out", "x", "--bytes", "lots"], /--bytes/],
    [["fetch", "c4"], /--out/],
  ] as const) {
    const { code, stderr } = await run(...args);
    assert.equal(code, 1);
    assert.match(stderr, said);
  }
  assert.equal(server.asked.length, 0);
});

test("the list names every data set and group", async () => {
  const { stdout } = await run("list");
  for (const name of ["arc_easy", "xnli_zh", "c4", "wikitext2", "on request", "lambada_multilingual: "])
    assert.ok(stdout.includes(name), name);
});
