import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateMultipartUploadCommand, UploadPartCommand } from "@aws-sdk/client-s3";
import { collectGarbage, type Garbage } from "../../client/garbage.js";
import { openCheckpoints } from "../../storage/checkpoints.js";
import { s3Client } from "../../storage/s3.js";
import { openStore } from "../../storage/store.js";
import { touchstoneJson, useSystem } from "./harness.js";
import { assertWhole, manifestsOf, outcome, resultsOf } from "./observe.js";
import { skip } from "./set-up.js";
import { smallStudy } from "./small-study.js";

// What a crash leaves in the real object store is found and removed; what a study has found stays.

const system = useSystem();

test("orphans, hidden states and unfinished uploads go; the study's results stay, and are found", {
  skip,
  timeout: 1_000_000,
}, async () => {
  const name = "garbage";
  const spec = smallStudy(system, name, {
    methods: [{ method: "wanda" }],
    calibration: { sizes: [2], length: 64 },
    evaluation: { tasks: ["piqa"], limit: 2, perplexity: [] },
    checkpoints: { prefix: name, activations: "auto" },
  });
  const summary = await outcome(await system.touchstone.start(spec), 500);
  const before = await resultsOf(name);
  const location = { bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix: name };
  await crashBetweenDataAndCommit(location);
  await beginUpload(location.bucket, `${name}/v1/content/part`);

  const counted = (await touchstoneJson(["gc", "--prefix", name])) as Garbage;
  assert.deepEqual([counted.orphans.objects, counted.hiddenStates.objects, counted.uploads.objects], [0, 0, 0]);
  assert.ok(counted.young.objects >= 1, "what was just written may be about to be named");

  const collect = (remove: boolean) =>
    collectGarbage(location, { olderThan: 0, remove, abandoned: [], report: () => {} });
  const removed = await collect(true);
  assert.deepEqual([removed.orphans.objects, removed.orphans.bytes], [1, LOST.length]);
  assert.deepEqual([removed.uploads.objects, removed.uploads.bytes], [1, LOST.length]);
  assert.ok(removed.hiddenStates.objects >= 2, "the embedding: its manifest and content");
  assert.equal((await manifestsOf(name, "activations")).size, 0);
  for (const { objects } of Object.values(await collect(false))) assert.equal(objects, 0);

  await assertWhole(name);
  assert.deepEqual(await outcome(await system.touchstone.start(spec), 300), summary);
  assert.deepEqual(await resultsOf(name), before);
});

const LOST = new TextEncoder().encode("layers of a process that was killed before it could name them");

async function crashBetweenDataAndCommit(location: { bucket: string; prefix: string }): Promise<void> {
  const store = openStore(location);
  const dying: typeof store = {
    ...store,
    writeNew: async (key, bytes) => {
      if (key.startsWith("v1/block/")) throw new Error("killed");
      return store.writeNew(key, bytes);
    },
  };
  await assert.rejects(openCheckpoints(dying).commit("block", { block: -1 }, { weight: LOST }, {}), /killed/);
}

async function beginUpload(Bucket: string, Key: string): Promise<void> {
  const { UploadId } = await s3Client().send(new CreateMultipartUploadCommand({ Bucket, Key }));
  await s3Client().send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: LOST }));
}
