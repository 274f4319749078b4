import assert from "node:assert/strict";
import { test } from "node:test";
import { steps } from "../../activities/steps.js";
import { expandCells } from "../../study/cells.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
const server = await startS3();

test("a process that is stopped keeps a block's inputs in the store; who goes on takes them from there", async () => {
  const input = { ...(await writeStudy()), checkpoints: { bucket: "bucket", activations: "none" } };
  const { study } = await steps.planStudy(input, freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const [, cell] = expandCells((await freshContext().state.plan(study)).spec, "model");

  const stopped = freshContext();
  await steps.embedCalibration({ study, cell }, stopped);
  await steps.compressBlock({ study, cell, block: 0 }, stopped);
  assert.equal(keptBoundaries().length, 0);
  await stopped.state.ahead.drop();
  await stopped.state.activations.storeAll();
  assert.equal(keptBoundaries().length, 1);

  const stages: string[] = [];
  const next = { ...freshContext(), report: ({ stage }: { stage: string }) => stages.push(stage) };
  await steps.compressBlock({ study, cell, block: 1 }, next);
  assert.deepEqual(new Set(stages), new Set(["compressing"]), "it passes nothing forward");
  assert.equal(keptBoundaries().length, 0, "nobody needs them any more");
});

/** Stored inputs of blocks after the first. */
function keptBoundaries(): unknown[] {
  const manifests = Array.from(server.objects).filter(([key]) => key.includes("/v1/activations/"));
  const derivations = manifests.map(([, bytes]) => JSON.parse(new TextDecoder().decode(bytes)).derivation);
  return derivations.filter(({ step }) => step === "activations");
}
