import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { after, test } from "node:test";
import type { BlockResult } from "../../activities/compress-block.js";
import { processBirth } from "../../infra/process-identity.js";
import { up } from "../../infra/services.js";
import { homePath } from "../../storage/home.js";
import { cellWorkflowId, studyWorkflowId, sweepWorkflowId } from "../../study/names.js";
import type { StudySpecInput } from "../../study/spec.js";
import { openTcpProxy, type TcpProxy } from "./fault-proxy.js";
import {
  currentWorker,
  freshWorker,
  output,
  servicePid,
  signalProcesses,
  startWorker,
  until,
  useSystem,
  type WorkerProcess,
} from "./harness.js";
import { activitiesOf, assertWhole, atWork, inTheMiddleOf, outcome, repeated, resultsOf } from "./observe.js";
import { cannotMount, skip } from "./set-up.js";
import { BLOCKS, cellsOf, compressedCells, quickStudy } from "./small-study.js";

// Processes and networks that fail in other ways than by ending: the study finishes, with the bits of a study that nothing disturbed.

let network: TcpProxy;
let undisturbed: Record<string, unknown>;
const system = useSystem({
  minutes: 12,
  prepare: async () => {
    network = await openTcpProxy(process.env.TEMPORAL_ADDRESS ?? "");
    await outcome(await system.touchstone.start(quickStudy(system, "undisturbed")), 600);
    undisturbed = await resultsOf("undisturbed");
  },
});
after(() => network?.close());

const options = { skip, timeout: 900_000 };

/** Starts a study and waits until its third block is in work; acts while it is. */
async function begin(name: string, act?: () => unknown) {
  const spec = quickStudy(system, name);
  const [cell] = compressedCells(spec);
  const study = await system.touchstone.start(spec);
  await inTheMiddleOf(system.temporal, { workflowId: cell, step: "compressBlock", from: 4, act });
  return { spec, cell, study, worker: currentWorker() };
}

/** Waits for the study's end, starting it again where it was stopped, and compares with the undisturbed study. */
async function finish(spec: StudySpecInput): Promise<void> {
  await outcome(await system.touchstone.start(spec), 600);
  assert.deepEqual(await resultsOf(spec.name), undisturbed);
  await assertWhole(spec.name);
}

async function killComputeProcesses(): Promise<void> {
  signalProcesses(await currentWorker().computeProcesses(), "SIGKILL");
}

async function end(worker: WorkerProcess): Promise<void> {
  worker.kill("SIGKILL");
  await worker.ended;
}

test(
  "the worker of workflows is killed: a new one replays, and the activity that runs elsewhere goes on",
  options,
  async () => {
    await end(currentWorker());
    const computing = await startWorker(["--queues", "compute"]);
    const orchestrating = await startWorker(["--queues", "orchestration"]);
    const { spec, cell } = await begin("orchestration-killed");
    const run = await runOf(studyWorkflowId(spec.name));
    await end(orchestrating);
    await startWorker(["--queues", "orchestration"]);
    await finish(spec);
    assert.equal(await runOf(studyWorkflowId(spec.name)), run);
    const blocks = (await activitiesOf(system.temporal, cell)).filter(({ step }) => step === "compressBlock");
    assert.deepEqual(
      blocks.map(({ attempts }) => attempts),
      Array(BLOCKS).fill(1),
    );
    await end(computing);
    await freshWorker();
  },
);

test("a hung compute process is found by its silence and replaced", options, async () => {
  await end(currentWorker());
  await startWorker(["--stall-seconds", "30"]);
  const { spec, cell, worker } = await begin("hung");
  signalProcesses(await worker.computeProcesses(), "SIGSTOP");
  await finish(spec);
  assert.ok((await repeated(system.temporal, cell, "compressBlock")) >= 1, "the block that hung");
});

test(
  "a step whose process dies four times fails its cell and no other; started again, the study is whole",
  options,
  async () => {
    const spec = quickStudy(system, "crashing");
    const [cell] = compressedCells(spec);
    const study = await system.touchstone.start(spec);
    await inTheMiddleOf(system.temporal, { workflowId: cell, step: "compressBlock", from: 3 });
    await until("the cell has failed", 300, async () => {
      if (await atWork(system.temporal, cell, "compressBlock")) await killComputeProcesses();
      return (await statusOf(cell)) === "FAILED";
    });
    await assert.rejects(outcome(study, 600), { name: "StudyIncomplete" });
    await finish(spec);
  },
);

test(
  "a worker that stood still for longer than its heartbeat, and goes on, changes nothing that another has done",
  options,
  async () => {
    const worker = currentWorker();
    const { spec, cell } = await begin("zombie", () => worker.kill("SIGSTOP"));
    const stopped = [worker.pid, ...(await worker.computeProcesses())];
    signalProcesses(stopped, "SIGSTOP");
    await startWorker();
    const taken = () => repeated(system.temporal, cell, "compressBlock");
    await until("another has made the block", 300, async () => (await taken()) > 0);
    signalProcesses(stopped, "SIGCONT");
    await finish(spec);
    await end(worker);
  },
);

test(
  "a worker that is cut off from the server, its connections half open, is replaced and comes back",
  options,
  async () => {
    await end(currentWorker());
    const cutOff = await startWorker([], { TEMPORAL_ADDRESS: network.address });
    const { spec, cell } = await begin("partition", () => network.silence());
    const other = await startWorker();
    await finish(spec);
    assert.ok((await repeated(system.temporal, cell, "compressBlock")) > 0, "the block that it had in hand");
    await end(other);
    network.heal();
    await finish(quickStudy(system, "after-partition"));
    assert.ok(processBirth(cutOff.pid) !== undefined, "the worker that was cut off has done this one");
    await freshWorker();
  },
);

test(
  "a terminated study's cells are cancelled, and it goes on where it was when it is started again",
  options,
  async () => {
    const { spec, cell } = await begin("terminated");
    await system.temporal.workflow.getHandle(studyWorkflowId(spec.name)).terminate("by a test");
    for (const id of [sweepWorkflowId(spec.name, "small"), cell])
      await until(`${id} is cancelled`, 120, async () => (await statusOf(id)) === "CANCELLED");
    await finish(spec);
    assert.equal(await foundFirstBlocks(cell), true);
  },
);

test("a full disk for scratch files is waited for; nothing of the attempts before stays there", {
  ...options,
  skip: skip ?? cannotMount,
}, async () => {
  const scratch = homePath("scratch");
  await mkdir(scratch, { recursive: true });
  await output("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", scratch]);
  try {
    // So little memory that hidden states go to the disk.
    const spec = quickStudy(system, "disk-full", { evaluation: { memory: "1MiB" } });
    const study = await system.touchstone.start(spec);
    await until("the step waits", 300, () => readFileSync(currentWorker().log, "utf8").includes("waiting for space"));
    await output("mount", ["-o", "remount,size=1g", scratch]);
    await outcome(study, 600);
    await finish(spec);
    const attempts = await Promise.all(
      cellsOf(spec).map((each) => repeated(system.temporal, cellWorkflowId(spec.name, each), "evaluate")),
    );
    assert.deepEqual(new Set(attempts), new Set([0]), "no attempt was used up");
    assert.equal((await output("find", [scratch, "-type", "f"])).trim(), "");
  } finally {
    await output("umount", ["-l", scratch]);
  }
});

// The last one: the server forgets the studies before.
test(
  "the server's database is lost: what is in the store is found, and only the rest is computed",
  options,
  async () => {
    const { spec, cell } = await begin("database-lost");
    process.kill(await servicePid("temporal"), "SIGKILL");
    await until(
      "the server has ended",
      30,
      async () => (await servicePid("temporal").catch(() => undefined)) === undefined,
    );
    for (const end of ["", "-shm", "-wal"]) await rm(homePath(`temporal.db${end}`), { force: true });
    await up();
    await finish(spec);
    assert.equal(await foundFirstBlocks(cell), true);
  },
);

/** The run that a workflow's id stands for. */
async function runOf(workflowId: string): Promise<string> {
  return (await system.temporal.workflow.getHandle(workflowId).describe()).runId;
}

async function statusOf(workflowId: string): Promise<string> {
  return (await system.temporal.workflow.getHandle(workflowId).describe()).status.name;
}

/** Whether a cell's latest run found its first blocks in the store, and computed the last one. */
async function foundFirstBlocks(cell: string): Promise<boolean> {
  const blocks = (await activitiesOf(system.temporal, cell)).filter(({ step }) => step === "compressBlock");
  const [first, second, ...others] = blocks.map(({ result }) => (result as BlockResult).reused);
  return blocks.length === BLOCKS && first && second && others.at(-1) === false;
}
