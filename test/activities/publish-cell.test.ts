import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseCellManifest } from "../../activities/cell-manifest.js";
import { publishCell } from "../../activities/publish-cell.js";
import { withReproduction } from "../../activities/reproduce.js";
import { steps } from "../../activities/steps.js";
import { decodeSet, tokensDigest } from "../../calibration/set.js";
import { loadModel } from "../../models/load.js";
import { expandCells } from "../../study/cells.js";
import type { StudySpecInput } from "../../study/spec.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { computeStudy, freshContext, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
await startS3();
const location = { bucket: "bucket", prefix: "" };

const { study } = await computeStudy(
  await writeStudy({
    name: "published",
    methods: [
      { method: "gptq", groupSize: 4, blockSize: 8 },
      { method: "wanda", pattern: "1:2" },
    ],
  }),
);

test("a published folder has the model, its set, and evidence about its own model and method that can be computed anew", async () => {
  const out = join(await scratchFolder(), "out");
  const name = "published/model/gptq/source-n2-set1";
  const { files } = await publishCell(name, out, { format: "dense" }, location, freshContext());
  for (const file of files) assert.ok((await readFile(join(out, file))).length > 0, file);

  const model = await loadModel(out);
  await model.close();
  const json = async (file: string) => JSON.parse(await readFile(join(out, file), "utf8"));
  const result = await json("evidence/result.json");
  assert.equal(result.calibrationDigest, tokensDigest(decodeSet(await readFile(join(out, "set.arrow")), "set")));
  const { results, statistics } = await json("evidence/report.json");
  assert.deepEqual(
    results.cells.map(({ methodLabel }: { methodLabel: string }) => methodLabel),
    ["dense", "gptq", "gptq"],
  );
  assert.equal(statistics.models[0].methods.length, 1);

  const card = await readFile(join(out, "README.md"), "utf8");
  assert.match(card, /## Evidence/);
  assert.match(card, /\| perplexity of text \|( [\d.]+ \|){2}( [\d.]+ ± [\d.e-]+ \|){2}/);
  assert.match(card, /touchstone reproduce evidence\/manifest\.json/);

  const manifest = parseCellManifest(await readFile(join(out, "evidence", "manifest.json")), "manifest.json");
  const { parts } = await withReproduction(freshContext(), (again) => again(manifest));
  assert.equal(parts, undefined);
});

test("a cell that isn't evaluated yet, a dense one and one that the study doesn't have are refused, and nothing is written", async () => {
  const out = join(await scratchFolder(), "out");
  const publish = (name: string) => publishCell(name, out, { format: "dense" }, location, freshContext());
  // Of other tokens than the study that is done.
  const calibration = { sizes: [2], length: 12, sets: 1 } satisfies StudySpecInput["calibration"];
  const planned = await steps.planStudy(await writeStudy({ name: "begun", calibration }), freshContext());
  await steps.sampleSource({ study: planned.study, model: "model", source: "source" }, freshContext());
  const [, cell] = expandCells((await freshContext().state.plan(planned.study)).spec, "model");
  assert.equal(cell.set, 0);
  await assert.rejects(publish("begun/model/gptq/source-n2-set0"), { name: "StudyIncomplete" });
  await assert.rejects(publish(`${study.name}/model/dense`), { name: "UnknownModel" });
  await assert.rejects(publish(`${study.name}/model/gptq/source-n2-set7`), { name: "UnknownModel" });
  await assert.rejects(readdir(out));
});
