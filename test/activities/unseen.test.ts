import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepContext } from "../../activities/step.js";
import { steps } from "../../activities/steps.js";
import { expandCells } from "../../study/cells.js";
import { evaluationsOf } from "../../study/plan.js";
import { starvedModel } from "../compression/starved-model.js";
import { scratchFolder } from "../models/small-model.js";
import { startS3 } from "../storage/s3-server.js";
import { freshContext, writeStudy } from "./small-study.js";

process.env.TOUCHSTONE_HOME = await scratchFolder();
await startS3();

const NAME = "mlp.down_proj.weight";

/** A process in which no token reaches the down projections. */
function starvedContext(): StepContext {
  const context = freshContext();
  const { state } = context;
  const model: typeof state.model = async (...args) => starvedModel(await state.model(...args), NAME);
  return { ...context, state: { ...state, model } };
}

test("linears that no calibration token reached are kept with the block, and told by the cell and the report", async () => {
  const method = { method: "gptq", groupSize: 4, blockSize: 8, unseen: "rtn" } as const;
  const { study } = await steps.planStudy(await writeStudy({ methods: [method] }), freshContext());
  await steps.sampleSource({ study, model: "model", source: "source" }, freshContext());
  const { spec } = await freshContext().state.plan(study);
  const cell = expandCells(spec, "model")[1];
  await steps.embedCalibration({ study, cell }, freshContext());
  for (let block = 0; block < 2; block++) await steps.compressBlock({ study, cell, block }, starvedContext());
  for (const evaluation of evaluationsOf(spec)) await steps.evaluate({ study, cell, evaluation }, freshContext());
  const { unseen } = await steps.finishCell({ study, cell }, freshContext());
  assert.deepEqual(
    unseen,
    [0, 1].map((block) => ({ block, name: NAME, became: "rtn" })),
  );
  const { summary } = await steps.reportStudy({ study }, freshContext());
  assert.match(summary, /No calibration token reached 2 linears of 1 cell: rounded to nearest\./);
});
