import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cellTask } from "../../activities/cell-task.js";
import { compressedModel } from "../../activities/compressed-weights.js";
import { openPackedCell } from "../../activities/packed-cell.js";
import { steps } from "../../activities/steps.js";
import { decodeSet, tokensDigest } from "../../calibration/set.js";
import { exportModel } from "../../compression/export-model.js";
import { loadModel } from "../../models/load.js";
import type { HostWeights } from "../../models/model.js";
import { expandCells } from "../../study/cells.js";
import { cellName } from "../../study/names.js";
import { packedLayers } from "../compressed-folder.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
await startS3();

const location = { bucket: "bucket", prefix: "" };

/** A study whose cells of the first set are compressed. */
async function compressedStudy(name: string) {
  const methods = [
    { method: "spqr" as const, groupSize: 4, blockSize: 8, statisticsGroupSize: 4 },
    { method: "magnitude" as const, pattern: "1:2" },
  ];
  const { study } = await steps.planStudy(await writeStudy({ name, methods }), freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const { spec } = await freshContext().state.plan(study);
  const cells = expandCells(spec, "model").filter(({ method, set }) => method !== null && set === 0);
  for (const cell of cells) {
    await steps.embedCalibration({ study, cell }, freshContext());
    for (const block of [0, 1]) await steps.compressBlock({ study, cell, block }, freshContext());
  }
  return { study, cells };
}

test("a cell is exported with the weights that it was evaluated with, its card and its calibration set", async () => {
  const { study, cells } = await compressedStudy("exported");
  for (const cell of cells) {
    const context = freshContext();
    const name = `exported/${cellName(cell)}`;
    const packed = await openPackedCell(name, location, context);
    const out = join(await scratchFolder(), "out");
    await exportModel(packed, out, { format: "dense" });

    const task = await cellTask({ study, cell }, context);
    assert.ok(task !== undefined);
    const evaluated = compressedModel(task, packed.rest, context);
    const exported = await loadModel(out);
    for (const block of [0, 1])
      assert.deepEqual(values(await exported.block(block)), values(await evaluated.block(block)));
    for (const { inputs } of (await packedLayers(packed)).values())
      assert.equal(inputs?.model, packed.madeOf.model.digest);
    await Promise.all([exported.close(), packed.close()]);

    const madeOf = JSON.parse(await readFile(join(out, "touchstone.json"), "utf8"));
    assert.equal(madeOf.cell, name);
    if (cell.methodLabel === "magnitude") {
      assert.equal(madeOf.calibration, null);
      assert.equal(madeOf.sparsity, 0.5);
      continue;
    }
    const set = decodeSet(await readFile(join(out, "set.arrow")), "set");
    assert.equal(madeOf.calibration.digest, tokensDigest(set));
    assert.equal(madeOf.calibration.digest, task.calibration.facts.digest);
    assert.deepEqual(madeOf.calibration.drawn, { source: { id: "source", field: "text" }, seed: 0, index: 0 });
    const card = await readFile(join(out, "README.md"), "utf8");
    for (const fact of [madeOf.calibration.digest, name, "| source | source (field text) |", "set.arrow"])
      assert.ok(card.includes(fact), fact);
  }
});

test("cells that aren't there, or not compressed yet, are told from one another", async () => {
  const { cells } = await compressedStudy("partly");
  const open = (name: string) => openPackedCell(name, location, freshContext());
  await assert.rejects(open(`nowhere/${cellName(cells[0])}`), {
    name: "UnknownStudy",
    message: /no study nowhere.*--prefix/,
  });
  await assert.rejects(open("partly/model/spqr/source-n2-set7"), {
    name: "UnknownModel",
    message: /set7 \(did you mean model\/spqr\/source-n2-set\d\?\)/,
  });
  await assert.rejects(open(`partly/${cellName({ ...cells[0], set: 1 })}`), {
    name: "CheckpointCorrupt",
    message: /block 0/,
  });
});

/** Without the types in which they are stored: what was compressed is in no file here. */
function values(weights: HostWeights) {
  return new Map(Array.from(weights, ([name, { shape, data }]) => [name, { shape, data }]));
}
