import assert from "node:assert/strict";
import { test } from "node:test";
import type { StudyHandle } from "../../client/study-handle.js";
import { processBirth } from "../../infra/process-identity.js";
import { up } from "../../infra/services.js";
import { cellWorkflowId } from "../../study/names.js";
import type { StudySpecInput } from "../../study/spec.js";
import { currentWorker, servicePid, startWorker, until, useSystem } from "./harness.js";
import { assertWhole, inTheMiddleOf, manifestsOf, outcome, repeated, resultsOf } from "./observe.js";
import { skip } from "./set-up.js";
import { cellsOf, compressedCells, smallStudy } from "./small-study.js";

// Whatever is killed, and whenever: the study finishes, with the bits of a study that nothing disturbed.

let undisturbed: Record<string, unknown>;
const system = useSystem({
  prepare: async () => {
    await outcome(await system.touchstone.start(smallStudy(system, "undisturbed")));
    undisturbed = await resultsOf("undisturbed");
  },
});

/** Kills once in the middle of the third block and once in the middle of an evaluation, then compares with the undisturbed study. */
async function disturb(specification: StudySpecInput, kill: () => Promise<void>): Promise<StudyHandle> {
  const { name } = specification;
  const [cell] = compressedCells(specification);
  const study = await system.touchstone.start(specification);
  // Its first activity embeds; the second compresses the first block.
  await inTheMiddleOf(system.temporal, { workflowId: cell, step: "compressBlock", from: 4 });
  await kill();
  await inTheMiddleOf(system.temporal, { workflowId: cell, step: "evaluate" });
  await kill();
  await outcome(study);
  assert.deepEqual(await resultsOf(name), undisturbed);
  await assertWhole(name);
  assert.ok((await repeated(system.temporal, cell, "compressBlock")) <= 1, "at most one block is solved again");
  return study;
}

const options = { skip, timeout: 300_000 };

test("the compute process is killed: another goes on from the last kept activations", options, async () => {
  const spec = smallStudy(system, "compute-killed");
  await disturb(spec, async () => {
    const pids = await currentWorker().computeProcesses();
    assert.ok(pids.length > 0);
    for (const pid of pids) process.kill(pid, "SIGKILL");
  });
  const [cell] = compressedCells(spec);
  assert.equal(await repeated(system.temporal, cell, "compressBlock"), 1, "the block that was in work");
  assert.ok((await repeated(system.temporal, cell, "evaluate")) >= 1, "the evaluation that was in work");
});

test("the worker is killed: its compute processes end by themselves, and another worker goes on", options, async () => {
  const spec = smallStudy(system, "worker-killed", {
    checkpoints: { prefix: "worker-killed", activations: "none" },
  });
  await disturb(spec, async () => {
    const worker = currentWorker();
    const orphans = await worker.computeProcesses();
    assert.ok(orphans.length > 0);
    worker.kill("SIGKILL");
    assert.equal(await worker.ended, "SIGKILL");
    await until("orphans have ended", 30, () => orphans.every((pid) => processBirth(pid) === undefined));
    await startWorker();
  });
  const [cell] = compressedCells(spec);
  assert.equal(await repeated(system.temporal, cell, "compressBlock"), 1, "the block that was in work");
});

test("the Temporal server is killed: the study goes on when it is up again", options, async () => {
  await disturb(smallStudy(system, "temporal-killed"), async () => {
    process.kill(await servicePid("temporal"), "SIGKILL");
    await up();
  });
});

test("the store is killed: what was computed meanwhile is written when it is up again", options, async () => {
  const spec = smallStudy(system, "store-killed", {
    checkpoints: { prefix: "store-killed", activations: "every 1 block" },
  });
  await disturb(spec, async () => {
    process.kill(await servicePid("store"), "SIGKILL");
    await up();
  });
});

test(
  "a process is killed in the middle of a task: the portions that it stored are not scored again",
  options,
  async () => {
    const evaluation = { tasks: ["piqa"], limit: 700, perplexity: [] };
    const whole = smallStudy(system, "portions", { methods: [{ method: "rtn" }], evaluation });
    await outcome(await system.touchstone.start(whole));
    const killed = smallStudy(system, "portions-killed", { methods: [{ method: "rtn" }], evaluation });
    const study = await system.touchstone.start(killed);
    await until("a portion of the first task is stored", 120, async () => (await portionsOf(killed.name)).length > 0);
    for (const pid of await currentWorker().computeProcesses()) process.kill(pid, "SIGKILL");
    await outcome(study);
    assert.deepEqual(await resultsOf(killed.name), await resultsOf(whole.name));
    const again = cellsOf(killed).map((cell) =>
      repeated(system.temporal, cellWorkflowId(killed.name, cell), "evaluate"),
    );
    const tried = sum(await Promise.all(again));
    assert.ok(tried === 1 || tried === 2, `${tried} tasks were tried again: a process has at most two in hand`);
    const portions = await portionsOf(whole.name);
    assert.ok(portions.length > 2, "both models have more than one");
    assert.equal(sum(await portionsOf(killed.name)), sum(portions), "each request was stored once");
  },
);

/** Requests in each of the portions of scores that a study has stored. */
async function portionsOf(prefix: string): Promise<number[]> {
  const portions = await manifestsOf(prefix, "scores");
  return Array.from(portions.values(), ({ facts }) => Number((facts as { requests: number }).requests));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
