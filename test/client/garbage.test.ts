import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { steps } from "../../activities/steps.js";
import { parseAge, renderGarbage } from "../../client/commands/gc.js";
import { collectGarbage, type GarbageOptions } from "../../client/garbage.js";
import { openCheckpoints } from "../../storage/checkpoints.js";
import { sha256 } from "../../storage/identity.js";
import { openStore } from "../../storage/store.js";
import { expandCells } from "../../study/cells.js";
import { evaluationsOf } from "../../study/plan.js";
import { freshContext, writeStudy } from "../activities/small-study.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();
const location = { bucket: "bucket", prefix: "" };
const DAY = 86_400;
const ago = (days: number) => new Date(Date.now() - days * DAY * 1000);

beforeEach(() => {
  server.objects.clear();
  server.written.clear();
  Object.assign(server, { uploads: [], pageSize: 1000, failure: undefined });
});

function collect(changes: Partial<GarbageOptions> = {}) {
  const options = { olderThan: DAY, remove: true, abandoned: [], report: () => {}, ...changes };
  return collectGarbage(location, options);
}

function put(key: string, days: number, bytes = 10): void {
  server.objects.set(`bucket/${key}`, new Uint8Array(bytes));
  server.written.set(`bucket/${key}`, ago(days));
}

/** All that is there was written so long ago. */
function age(days: number): void {
  for (const name of server.objects.keys()) server.written.set(name, ago(days));
}

const content = (name: string) => `v1/content/${sha256(name)}.arrow`;
const keys = () => Array.from(server.objects.keys(), (name) => name.replace("bucket/", "")).sort();
const activations = () => keys().filter((key) => key.startsWith("v1/activations/"));

/** A study of one cell that has compressed the first of its two blocks. */
async function beginStudy() {
  const input = await writeStudy({ calibration: { sizes: [2], length: 16, sets: 1 } });
  const { study } = await steps.planStudy(input, freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const { spec } = await freshContext().state.plan(study);
  const [, cell] = expandCells(spec, "model");
  await steps.embedCalibration({ study, cell }, freshContext());
  await steps.compressBlock({ study, cell, block: 0 }, freshContext());
  const finish = async () => {
    await steps.compressBlock({ study, cell, block: 1 }, freshContext());
    for (const evaluation of evaluationsOf(spec)) await steps.evaluate({ study, cell, evaluation }, freshContext());
    return steps.finishCell({ study, cell }, freshContext());
  };
  return { study, cell, finish };
}

test("content that no manifest names is counted, and removed only where that is asked and it is old", async () => {
  await openCheckpoints(openStore(location)).commit("block", { block: 1 }, { weight: Uint8Array.of(1) }, {});
  const kept = keys();
  age(5);
  put(content("old"), 3);
  put(content("older"), 4);
  put(content("young"), 0.5, 7);
  const counted = await collect({ remove: false });
  assert.deepEqual([counted.orphans.objects, counted.orphans.bytes, counted.young.bytes], [2, 20, 7]);
  assert.equal(counted.orphans.oldest?.toISOString().slice(0, 16), ago(4).toISOString().slice(0, 16));
  assert.equal(keys().length, kept.length + 3);
  assert.match(
    renderGarbage(counted, false),
    /no result names +2 +20B +\d{4}-.*\n(.*\n)+1 objects.*too young.*\n.*--delete/,
  );
  await collect();
  assert.deepEqual(keys(), [...kept, content("young")].sort());
  assert.equal((await collect()).orphans.objects, 0);
});

test("it goes through listings of any number of pages", async () => {
  server.pageSize = 7;
  for (let i = 0; i < 100; i++) {
    await openCheckpoints(openStore(location)).commit("block", { i }, { weight: Uint8Array.of(i) }, {});
    put(content(`orphan ${i}`), 9);
  }
  for (const key of keys()) server.written.set(`bucket/${key}`, ago(9));
  assert.equal((await collect()).orphans.objects, 100);
  assert.equal(keys().length, 200);
});

test("a manifest that was altered, and one of a kind that is not known, keep what they name", async () => {
  put(content("a"), 9);
  put(content("b"), 9);
  server.objects.set("bucket/v1/block/x.json", new TextEncoder().encode(`{"objects":{"a":"${sha256("a")}`));
  server.objects.set("bucket/v1/later/y.json", new TextEncoder().encode(sha256("b")));
  assert.equal((await collect()).orphans.objects, 0);
});

test("what a study that runs is about to name is new again, however long it lay there", async () => {
  const orphan = `v1/content/${sha256(Uint8Array.of(1))}.arrow`;
  server.objects.set(`bucket/${orphan}`, Uint8Array.of(1));
  server.written.set(`bucket/${orphan}`, ago(9));
  const store = openStore(location);
  const beforeManifest = {
    ...store,
    writeNew: async (key: string, bytes: Uint8Array) => {
      if (key.startsWith("v1/block/")) assert.equal((await collect()).orphans.objects, 0);
      return store.writeNew(key, bytes);
    },
  };
  await openCheckpoints(beforeManifest).commit("block", {}, { weight: Uint8Array.of(1) }, {});
  assert.ok(keys().includes(orphan));
});

test("hidden states of an unfinished cell stay; when it is done all go, with their content, and its results stay", async () => {
  const { finish } = await beginStudy();
  age(9);
  assert.equal(activations().length, 2, "the embedding, and the inputs of the second block");
  const { hiddenStates, orphans } = await collect();
  assert.deepEqual([hiddenStates.objects, orphans.objects, activations().length], [0, 0, 2]);

  const result = await finish();
  age(9);
  const before = keys();
  const collected = await collect();
  assert.deepEqual(activations(), []);
  assert.equal(collected.hiddenStates.objects, 2, "the embedding's manifest and its content");
  assert.equal(collected.orphans.objects, 0);
  assert.equal(keys().length, before.length - 2);
  assert.deepEqual((await finish()).evaluations, result.evaluations);
});

test("hidden states of a cell that failed, and of an abandoned study, go; the cell then gives the same result", async () => {
  const { error } = await (await beginStudy()).finish();
  for (const stop of ["failed", "abandoned"] as const) {
    server.objects.clear();
    const { study, cell, finish } = await beginStudy();
    const failure = { ...cell, errorType: "InternalError", message: "", at: null, worker: null, log: [] };
    if (stop === "failed") await steps.recordFailure({ study, failure }, freshContext());
    age(9);
    await collect({ abandoned: stop === "abandoned" ? ["small"] : [] });
    assert.deepEqual(activations(), []);
    await steps.embedCalibration({ study, cell }, freshContext());
    assert.equal((await finish()).error, error);
  }
});

test("interrupted between a manifest and its content, it is finished by the next", async () => {
  const { finish } = await beginStudy();
  await finish();
  age(9);
  const [manifest] = activations();
  const removing = collect();
  while (server.objects.has(`bucket/${manifest}`)) await new Promise(setImmediate);
  server.failure = { status: 403, code: "AccessDenied", message: "Access Denied" };
  await assert.rejects(removing, { name: "StorageDenied" });
  server.failure = undefined;
  const { orphans } = await collect();
  assert.ok(orphans.objects <= 1);
  assert.deepEqual([(await collect()).orphans.objects, activations().length], [0, 0]);
});

test("quarantine, what the doctor and the benchmark left, and unfinished uploads go by their age", async () => {
  const mine = ["quarantine/2020/v1/block/x.json", "touchstone-doctor/1-2", "bench/1700000000000/v1/content/x.arrow"];
  const others = ["bench/results.csv", "data/x.parquet", "v1/study/s/report.html"];
  for (const key of [...mine, ...others]) put(key, 2);
  put("quarantine/now", 0);
  server.uploads = [
    { name: "bucket/old", id: "1", since: ago(2), bytes: 6_000_000 },
    { name: "bucket/new", id: "2", since: ago(0), bytes: 5 },
  ];
  const { quarantine, temporary, uploads } = await collect();
  assert.deepEqual([quarantine.objects, temporary.objects, uploads.objects, uploads.bytes], [1, 2, 1, 6_000_000]);
  assert.deepEqual(keys(), [...others, "quarantine/now"].sort());
  assert.deepEqual(
    server.uploads.map(({ id }) => id),
    ["2"],
  );
});

test("a key that may not delete is told so, with what to do; counting needs no such right", async () => {
  put(content("old"), 3);
  server.denyDeletes = true;
  assert.equal((await collect({ remove: false })).orphans.objects, 1);
  await assert.rejects(collect(), {
    name: "StorageDenied",
    message: /may not delete.*s3:\/\/bucket\/v1\/content.*s3:DeleteObject/,
  });
  server.denyDeletes = false;
});

test("an age is hours or days, and an hour at least", () => {
  assert.deepEqual([parseAge("36h"), parseAge("2d"), parseAge("1h")], [36 * 3600, 2 * DAY, 3600]);
  for (const wrong of ["30m", "0.5h", "2", "d", "-1d", "2d3h"]) assert.throws(() => parseAge(wrong), /36h or 2d/);
});
