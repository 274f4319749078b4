import assert from "node:assert/strict";
import { test } from "node:test";
import { reportKey } from "../../activities/report-study.js";
import { steps } from "../../activities/steps.js";
import type { StudyAnalyses } from "../../report/analyses.js";
import { expandCells } from "../../study/cells.js";
import { evaluationsOf } from "../../study/plan.js";
import type { StudyResults } from "../../study/results.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeModel, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();

async function reportOf(study: Awaited<ReturnType<typeof steps.planStudy>>["study"]) {
  await steps.reportStudy({ study }, freshContext());
  const bytes = server.objects.get(`bucket/${reportKey(study.name, "json")}`);
  return JSON.parse(new TextDecoder().decode(bytes)) as { results: StudyResults; analyses: StudyAnalyses };
}

test("the report has each method's relative errors by block and linear, of sets that were compressed", async () => {
  const path = await writeModel();
  const input = await writeStudy({
    models: [
      { id: "tiny-1m", path },
      { id: "tuned", path, base: "tiny-1m" },
    ],
    methods: [
      { method: "gptq", groupSize: 4, blockSize: 8 },
      { method: "wanda", sparsity: 0.5 },
    ],
  });
  const { study } = await steps.planStudy(input, freshContext());
  await steps.sampleSource({ study, model: "tiny-1m", source: "source" }, freshContext());
  const { spec } = await freshContext().state.plan(study);
  const cells = expandCells(spec, "tiny-1m").filter(({ method }) => method !== null);
  for (const cell of cells) {
    await steps.embedCalibration({ study, cell }, freshContext());
    for (let block = 0; block < 2; block++) await steps.compressBlock({ study, cell, block }, freshContext());
    for (const evaluation of evaluationsOf(spec)) await steps.evaluate({ study, cell, evaluation }, freshContext());
    const result = await steps.finishCell({ study, cell }, freshContext());
    assert.equal(result.layers, undefined, "they are in the store alone: a history is to hold little");
  }
  const { results, analyses } = await reportOf(study);
  assert.deepEqual(
    results.models?.map(({ id, base }) => [id, base]),
    [
      ["tiny-1m", null],
      ["tuned", "tiny-1m"],
    ],
  );
  const [one, other] = results.models ?? [];
  assert.ok((one.parameters ?? 0) > 0 && one.parameters === other.parameters);
  assert.ok(results.cells.every(({ layers }) => layers === undefined));
  const [{ layers }] = analyses.models;
  assert.deepEqual(
    layers.map(({ method, cells: sets, means }) => [method, sets, means.length]),
    [["gptq", 2, 2]],
  );
  for (const share of layers[0].means.flat()) assert.ok(share !== null && share > 0 && share < 1, String(share));
  // A cell's errors are sums over the same linears.
  assert.equal(layers[0].linears.length, 7);
});
