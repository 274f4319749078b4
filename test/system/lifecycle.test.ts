import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BlockResult } from "../../activities/compress-block.js";
import { studyWorkflowId, sweepWorkflowId } from "../../study/names.js";
import { currentWorker, processTable, startWorker, until, useSystem } from "./harness.js";
import { activitiesOf, inTheMiddleOf, manifestsOf, outcome, within } from "./observe.js";
import { skip } from "./set-up.js";
import { BLOCKS, compressedCells, smallStudy } from "./small-study.js";

// Stopping, starting again, starting twice.

const system = useSystem();
const options = { skip, timeout: 240_000 };
/** One evaluation: enough for a study whose end is what matters. */
const evaluation = { tasks: [] };

test(
  "a worker that is told to end does so in time with exit code 0, and another goes on where it was",
  options,
  async () => {
    const checkpoints = { prefix: "stopped", activations: "none" };
    const spec = smallStudy(system, "stopped", { evaluation, checkpoints });
    const study = await system.touchstone.start(spec);
    await inTheMiddleOf(system.temporal, { workflowId: compressedCells(spec)[0], step: "compressBlock", from: 3 });
    const worker = currentWorker();
    worker.kill("SIGTERM");
    assert.equal(await within(90_000, worker.ended), 0);
    assert.deepEqual(await worker.computeProcesses(), []);
    assert.equal(await keptInputs(spec.name), 1, "the inputs of the block that comes next");
    await startWorker();
    assert.equal((await outcome(study)).failed, 0);
    assert.equal(await keptInputs(spec.name), 0, "nobody needs them any more");
  },
);

test(
  "a cancelled study leaves no busy process, and goes on where it was when it is started again",
  options,
  async () => {
    const spec = smallStudy(system, "cancelled", { evaluation });
    const [cell] = compressedCells(spec);
    const study = await system.touchstone.start(spec);
    await inTheMiddleOf(system.temporal, { workflowId: cell, step: "compressBlock", from: 4 });
    await study.cancel();
    await assert.rejects(within(60_000, study.result()), { name: "Cancelled" });

    await until("no compute process is busy", 60, async () => {
      const pids = await currentWorker().computeProcesses();
      const before = await processorSeconds(pids);
      await sleep(3000);
      return (await processorSeconds(pids)) === before;
    });

    await outcome(await system.touchstone.start(spec));
    const blocks = (await activitiesOf(system.temporal, cell)).filter(
      ({ step, attempts }) => step === "compressBlock" && attempts > 0,
    );
    const reused = blocks.map(({ result }) => (result as BlockResult).reused);
    assert.equal(reused.length, BLOCKS);
    assert.ok(reused[0] && reused[1], "blocks that were done before the cancellation are found");
    assert.ok(!reused[BLOCKS - 1], "the last one was not");
  },
);

test("a study started again after its end computes nothing", options, async () => {
  const spec = smallStudy(system, "again", { methods: [{ method: "rtn" }], evaluation });
  const first = await outcome(await system.touchstone.start(spec));
  const again = await outcome(await system.touchstone.start(spec));
  assert.deepEqual(again, first);
  const steps = async (id: string) => (await activitiesOf(system.temporal, id)).map(({ step }) => step);
  assert.deepEqual(await steps(studyWorkflowId("again")), ["planStudy", "reportStudy"]);
  assert.deepEqual(await steps(sweepWorkflowId("again", "small")), ["sampleSource", "planSweep"]);
  const { events } = await system.temporal.workflow.getHandle(sweepWorkflowId("again", "small")).fetchHistory();
  assert.ok(!events?.some((event) => event.startChildWorkflowExecutionInitiatedEventAttributes), "no cell is started");
});

test("two starts at once are one run", options, async () => {
  const spec = smallStudy(system, "twice", { methods: [{ method: "rtn" }], evaluation });
  const [one, other] = await Promise.all([system.touchstone.start(spec), system.touchstone.start(spec)]);
  assert.deepEqual(await outcome(one), await outcome(other));
  const runs = [];
  for await (const run of system.temporal.workflow.list({ query: 'WorkflowId = "study/twice"' })) runs.push(run.runId);
  assert.equal(runs.length, 1);
});

/** How many blocks' inputs are in the store, but for the embedding. */
async function keptInputs(prefix: string): Promise<number> {
  const manifests = Array.from((await manifestsOf(prefix, "activations")).values());
  return manifests.filter(({ derivation }) => (derivation as { step: string }).step === "activations").length;
}

/** Processor time that processes have used so far, in whole seconds. */
async function processorSeconds(pids: readonly number[]): Promise<number> {
  const lines = await processTable("pid=,time=");
  const times = lines.filter(([pid]) => pids.includes(Number(pid))).map(([, time]) => time);
  // [[days-]hours:]minutes:seconds
  const seconds = (time: string) => time.split(/[-:]/).reduce((total, part) => total * 60 + Number(part), 0);
  return times.reduce((sum, time) => sum + seconds(time), 0);
}
