import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { SLEEP_VARIABLE } from "../../bench/rehearsal/steps.js";
import { rehearsalSpec, rehearseStudy } from "../../bench/rehearsal/study.js";
import { checkoutFolder } from "../../storage/home.js";
import { startWorker, until, useSystem, type WorkerProcess } from "./harness.js";
import { manifestsOf } from "./observe.js";
import { skip } from "./set-up.js";

// Many cells, and several workers: real servers and workers, with steps that only commit, and sleep where they would compute.

/** Events after which Temporal suggests a new run here: those of some dozens of cells. */
const SUGGESTED = 300;
const WINDOW = 10;

const system = useSystem({ worker: false, dynamicConfig: { "limit.historyCount.suggestContinueAsNew": SUGGESTED } });
const options = { skip, timeout: 600_000 };

function startRehearsal(milliseconds: number): Promise<WorkerProcess> {
  const program = join(checkoutFolder, "dist", "bench", "rehearsal", "worker.js");
  return startWorker([], { [SLEEP_VARIABLE]: String(milliseconds) }, program);
}

test(
  "300 cells on two workers take several runs with bounded histories, and each is committed once",
  options,
  async () => {
    const workers = [await startRehearsal(0), await startRehearsal(0)];
    const study = await rehearseStudy(rehearsalSpec("many", 300, 1, WINDOW));
    assert.equal(study.cells, 301);
    assert.deepEqual([study.committed, study.repeated], [study.cells, 0]);
    const { sweep, cell } = study.histories;
    assert.ok(sweep.runs >= 3, `${sweep.runs} runs`);
    assert.ok(sweep.events < SUGGESTED + 15 * WINDOW, `${sweep.events} events`);
    assert.ok(cell.events < 100, `${cell.events} events of a cell`);
    for (const worker of workers) {
      worker.kill("SIGKILL");
      await worker.ended;
    }
  },
);

test(
  "a worker that is started in the middle of a study gets cells of it, and shares it with the first",
  options,
  async () => {
    const first = await startRehearsal(300);
    // More cells than are waited for: how many are done meanwhile depends on how busy this machine is.
    const study = await system.touchstone.start(rehearsalSpec("shared", 1000, 2, 6));
    const storesBlocks = (worker: WorkerProcess, more: number) =>
      until(`${more} blocks of worker ${worker.pid}`, 200, async () => (await blocksOf(worker)) >= more);
    await storesBlocks(first, 2);
    const second = await startRehearsal(300);
    await storesBlocks(second, 4);
    await storesBlocks(first, (await blocksOf(first)) + 4);
    await study.cancel();
    await assert.rejects(study.result(), { name: "Cancelled" });
  },
);

/** How many blocks a worker has stored. */
async function blocksOf({ pid }: WorkerProcess): Promise<number> {
  const blocks = Array.from((await manifestsOf("shared", "block")).values());
  return blocks.filter(({ facts }) => (facts as { worker: number }).worker === pid).length;
}
