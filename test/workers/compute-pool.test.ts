import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, mock, test } from "node:test";
import type { RunOptions } from "../../activities/delegated.js";
import { processBirth } from "../../infra/process-identity.js";
import { type Measurement, onMeasurement } from "../../storage/measure.js";
import { ComputePool } from "../../workers/compute-pool.js";
import type { FakeStep } from "./fake-compute-process.js";

let pool: ComputePool;
afterEach(() => pool.close());

function open(processes: number, limits: { memory?: number; stallSeconds?: number } = {}): void {
  const program = new URL("./fake-compute-process.js", import.meta.url);
  pool = new ComputePool({ processes, stepsEach: 2, threads: 1, program, ...limits });
}

const quiet: RunOptions = { signal: new AbortController().signal, onProgress: () => {} };

/** The process that ran it. */
function run(step: FakeStep, options: Partial<RunOptions> = {}): Promise<number> {
  return pool.run("compressBlock", step, { ...quiet, ...options }) as Promise<number>;
}

/** A step that goes on until it is ended. */
function hold(options: Partial<RunOptions> = {}) {
  const controller = new AbortController();
  const ended = run({ act: "wait" }, { ...options, signal: controller.signal }).then(
    () => assert.fail("it was not to end by itself"),
    (error: Error) => error,
  );
  return { ended, end: () => controller.abort() };
}

const isSettled = (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 100))]);

test("a process has two steps in hand; the next waits until one of them ends", async () => {
  open(1);
  await run({ act: "answer" });
  const [one, other] = [hold(), hold()];
  const third = run({ act: "answer" });
  assert.equal(await isSettled(third), false);
  one.end();
  assert.equal((await one.ended).message, "aborted");
  assert.ok((await third) > 0);
  other.end();
  await other.ended;
});

test("a step that waits for its turn and is aborted never runs", async () => {
  open(1);
  await run({ act: "answer" });
  const held = [hold(), hold()];
  const controller = new AbortController();
  const third = run({ act: "answer" }, { signal: controller.signal });
  controller.abort();
  await assert.rejects(third, { name: "AbortError" });
  for (const { end } of held) end();
  await Promise.all(held.map(({ ended }) => ended));
});

test("steps of one name go to one process, those of another to the less busy one", async () => {
  open(2);
  const a = await run({ act: "answer" }, { affinity: "a" });
  const b = await run({ act: "answer" }, { affinity: "b" });
  assert.notEqual(a, b);
  const held = hold({ affinity: "a" });
  assert.deepEqual(await Promise.all(["a", "b", "a", "b"].map((affinity) => run({ act: "answer" }, { affinity }))), [
    a,
    b,
    a,
    b,
  ]);
  held.end();
  await held.ended;
});

test("a process that dies fails its own steps, so that they are tried again, and is replaced", async () => {
  open(2);
  const alive = await run({ act: "answer" }, { affinity: "alive" });
  const dead = await run({ act: "answer" }, { affinity: "dead" });
  const elsewhere = hold({ affinity: "alive" });
  const beside = hold({ affinity: "dead" });
  const crashed = { name: "ComputeCrashed", retryable: true, message: new RegExp(`compute process ${dead}`) };
  let log: readonly string[] = [];
  const onLog = (lines: readonly string[]) => {
    log = lines;
  };
  await assert.rejects(run({ act: "die" }, { affinity: "dead", onLog }), crashed);
  assert.deepEqual(log, ["last words"]);
  assert.match((await beside.ended).message, crashed.message);
  assert.equal(await isSettled(elsewhere.ended), false);
  const replaced = await run({ act: "answer" }, { affinity: "dead" });
  assert.ok(![alive, dead].includes(replaced));
  assert.equal(await run({ act: "answer" }, { affinity: "alive" }), alive);
  elsewhere.end();
  await elsewhere.ended;
});

test("what a step reports, measures and how it fails reach the one who asked", async () => {
  open(1);
  const measured: Measurement[] = [];
  onMeasurement((measurement) => measured.push(measurement));
  const stages: string[] = [];
  await run({ act: "report" }, { onProgress: ({ stage }) => stages.push(stage) });
  assert.deepEqual(stages, ["compressing"]);
  const told = measured.filter(({ value }) => value > 0);
  assert.deepEqual(told, [
    { name: "touchstone_blocks", value: 1, tags: {} },
    { name: "touchstone_process_memory_bytes", value: 1, tags: { process: "compute-0" } },
  ]);
  await assert.rejects(run({ act: "fail" }), { name: "NumericalError", retryable: false, message: /NaN/ });
});

test("processes that leave store what only they have, and have ended afterwards", async () => {
  open(2);
  const folder = mkdtempSync(join(tmpdir(), "touchstone-pool-"));
  const mark = join(folder, "left");
  try {
    const pid = await run({ act: "answer", mark });
    await pool.leave();
    assert.equal(Number(readFileSync(mark, "utf8")), pid);
    await ended(pid);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a process over its memory limit gets no further step, stores what only it has, and is replaced", async () => {
  open(1, { memory: 1000 });
  const folder = mkdtempSync(join(tmpdir(), "touchstone-pool-"));
  const mark = join(folder, "left");
  try {
    const pid = await run({ act: "answer", memory: 1000 });
    const beside = hold();
    assert.equal(await run({ act: "answer", mark, memory: 1001 }), pid);
    const next = run({ act: "answer" });
    assert.equal(await isSettled(next), false, "it waits for the step beside to end");
    beside.end();
    await beside.ended;
    assert.notEqual(await next, pid);
    assert.equal(Number(readFileSync(mark, "utf8")), pid);
    await ended(pid);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a process that says nothing is ended; one that waits for the store says so, and is not", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  try {
    open(2, { stallSeconds: 10 });
    const hung = await run({ act: "answer" }, { affinity: "hung" });
    await run({ act: "answer" }, { affinity: "waits" });
    const waits = hold({ affinity: "waits" });
    const hangs = hold({ affinity: "hung" });
    assert.deepEqual(await Promise.all([waits, hangs].map(({ ended }) => isSettled(ended))), [false, false]);
    for (let look = 0; look < 3; look++) {
      mock.timers.tick(5000);
      await run({ act: "sign" }, { affinity: "waits" });
    }
    const { name, message } = await hangs.ended;
    assert.equal(name, "ComputeCrashed");
    assert.match(message, new RegExp(`No sign of life for 10 s .compute process ${hung}`));
    assert.equal(await isSettled(waits.ended), false);
    waits.end();
    await waits.ended;
  } finally {
    mock.timers.reset();
  }
});

test("steps that run when the pool is closed fail, and leave no process", async () => {
  open(1);
  const pid = await run({ act: "answer" });
  const held = hold();
  assert.equal(await isSettled(held.ended), false);
  pool.close();
  assert.equal((await held.ended).name, "ComputeCrashed");
  await ended(pid);
});

/** A process is gone a moment after its signal. */
async function ended(pid: number): Promise<void> {
  for (let i = 0; i < 200 && processBirth(pid) !== undefined; i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(processBirth(pid), undefined);
}
