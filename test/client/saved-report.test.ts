import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { savedReport } from "../../client/saved-report.js";
import { buildReport } from "../../report/build.js";
import { scratchFolder } from "../models/small-model.js";
import { realisticStudy } from "../report/realistic.js";
import { startS3 } from "../storage/s3-server.js";

const folder = await scratchFolder();
process.env.TOUCHSTONE_HOME = folder;
const server = await startS3();
const study = realisticStudy({ sets: 2 });
const { json } = buildReport(study);

test("a report is read from its file, its folder, and by its study's name from the store", async () => {
  await mkdir(join(folder, "saved"));
  await writeFile(join(folder, "saved", "report.json"), json);
  server.objects.set("bucket/v1/study/quickstart/report.json", new TextEncoder().encode(json));
  const expected = JSON.parse(json).results;
  for (const place of [join(folder, "saved"), join(folder, "saved", "report.json"), "quickstart"])
    assert.deepEqual(await savedReport(place, { bucket: "bucket" }), expected);
});

test("what is no report, and what isn't there, is told", async () => {
  const other = join(folder, "other.json");
  await writeFile(other, "{}");
  await assert.rejects(savedReport(other, {}), { name: "InvalidData", message: /not the report\.json of a study/ });
  await assert.rejects(savedReport("nowhere", { bucket: "bucket" }), { name: "UnknownStudy", message: /nowhere/ });
});
