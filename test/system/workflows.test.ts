import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ApplicationFailure } from "@temporalio/activity";
import { type Client, WorkflowFailedError, WorkflowUpdateFailedError } from "@temporalio/client";
import { defineSearchAttributeKey, SearchAttributeType } from "@temporalio/common";
import { TestWorkflowEnvironment } from "@temporalio/testing";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { delegatedActivities } from "../../activities/delegated.js";
import type { PageRequest } from "../../activities/plan-sweep.js";
import { bundlePath, bundleWorkflows } from "../../infra/bundle-workflows.js";
import { silentProgress } from "../../infra/progress.js";
import { temporalBinary } from "../../infra/temporal.js";
import type { SkippedOrder } from "../../study/controls.js";
import { cellName, cellWorkflowId, ownQueue, taskQueues } from "../../study/names.js";
import type { SweepPage } from "../../study/plan.js";
import type { StudyProgress, SweepProgress } from "../../study/progress.js";
import type { CellCoordinates, FailedCell } from "../../study/results.js";
import { searchAttributes } from "../../study/search-attributes.js";
import { versioning } from "../../workers/versioning.js";
import { rootFailure } from "../../workflows/failures.js";
import type { StudyOptions } from "../../workflows/study.js";
import { recordHistories } from "../replay/histories.js";
import { activitiesOf } from "./observe.js";

// The workflows on a real server, with activities that only say that they were called.

let environment: TestWorkflowEnvironment;

before(async () => {
  Runtime.install({ logger: new DefaultLogger("ERROR") });
  await bundleWorkflows();
  environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: "existing-path", path: await temporalBinary(silentProgress) },
      searchAttributes: Object.entries(searchAttributes).map(([name, type]) =>
        type === "Int"
          ? defineSearchAttributeKey(name, SearchAttributeType.INT)
          : defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
      ),
      extraArgs: ["--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=40"],
    },
  });
});

after(async () => {
  if (process.env.TOUCHSTONE_RECORD !== undefined) await recordHistories(environment.client);
  await environment?.teardown();
});

const BLOCKS = 3;
const PAGE = 4;
const DEPLOYMENT = "touchstone";
/** A block that doesn't end before something is asked of its study, also on a busy machine. */
const LONG_MS = 5000;

/** What the stubs were asked to do, and what they shall do. */
interface Stage {
  calls: string[];
  finished: Set<string>;
  /** The queue of the worker that has a cell's hidden states. */
  worker?: string;
  /** How many pages of cells were asked for. */
  pages: number;
  /** What the store would say. */
  skipped: Map<string, CellCoordinates>;
  failures: Map<string, FailedCell>;
  /** The cells that the last plan left to do. */
  pending: readonly CellCoordinates[];
  /** Cells whose compression fails. */
  poisoned: Set<string>;
  mostAtOnce: number;
  /** How long a block takes from now on. */
  blockMs: number;
}

function stubs(cells: readonly CellCoordinates[], stage: Stage) {
  let atOnce = 0;
  const of = (model: string) => cells.filter((cell) => cell.model === model);
  const skippedOf = (model: string) => [...stage.skipped.values()].filter((cell) => cell.model === model);
  const evaluations = [{ kind: "task" as const, id: "piqa" }];
  return {
    planSearch: async ({ name: own }: { name: string }) => {
      const rounds = [
        { candidates: 1, limit: 20, pilot: true, study: { name: `${own}.pilot` } },
        { candidates: 4, limit: 5, study: { name: `${own}.round1` } },
        { candidates: 2, limit: 20, study: { name: `${own}.round2` } },
      ];
      return { name: own, rounds, cost: 0.6 };
    },
    openSearchRound: async ({
      before,
      next,
    }: {
      before?: { study: { name: string } };
      next: { study: { name: string } };
    }) => {
      stage.calls.push(`${before?.study.name ?? "the beginning"} to ${next.study.name}`);
    },
    rankSearchRound: async ({ study: { name: round } }: { study: { name: string } }) => {
      stage.calls.push(`${round} ranked`);
      return [];
    },
    planStudy: async (specification: { name: string }) => {
      const { name: own } = specification;
      const study = { name: own, bucket: "b", prefix: "", plan: "p" };
      const models = [...new Set(cells.map(({ model }) => model))];
      const counts = models.map((id) => ({ id, cells: of(id).length }));
      return { study, models: counts, sources: ["s"], window: 2, device: "cpu", priority: 2 };
    },
    sampleSource: async () => ({ sets: 1 }),
    planSweep: async ({ model, state, from, to, counted }: PageRequest): Promise<SweepPage> => {
      stage.pages++;
      const all = of(model).map((cell, index) => ({ index, cell, name: cellName(cell) }));
      const isLeft = ({ name }: { name: string }) => !stage.finished.has(name) && !stage.skipped.has(name);
      const isAsked = (each: { name: string }) =>
        isLeft(each) && (state === "pending" || stage.failures.has(each.name));
      const found = all.slice(from, to).filter(isAsked);
      if (from === 0 && state === "pending") stage.pending = found.map(({ cell }) => cell);
      const next = found[PAGE]?.index ?? null;
      const isPassed = ({ index }: { index: number }) =>
        index >= Math.max(from, counted) && index < (next ?? all.length);
      const isDone = (each: { index: number; name: string }) => isPassed(each) && stage.finished.has(each.name);
      const done = state === "failed" ? 0 : all.filter(isDone).length;
      const counts = { methods: { rtn: all.length }, done: { rtn: done }, skipped: skippedOf(model).length };
      const page = found.slice(0, PAGE).map(({ index, cell }) => ({ index, cell }));
      return { state, total: all.length, ...counts, blocks: BLOCKS, evaluations, cells: page, next };
    },
    skipCell: async ({ cell: name }: { cell: string }): Promise<SkippedOrder> => {
      const cell = cells.find((each) => cellName(each) === name);
      if (cell === undefined)
        throw ApplicationFailure.create({ type: "InvalidSettings", message: `no cell ${name}`, nonRetryable: true });
      const failed = stage.failures.has(name) && !stage.skipped.has(name);
      stage.skipped.set(name, cell);
      const index = of(cell.model).indexOf(cell);
      return { kind: "skipCell", cell, index, failed, skipped: skippedOf(cell.model).length };
    },
    unskipCells: async ({ models, passed = 0 }: { models: string[]; passed?: number }) => {
      const back = models.flatMap(skippedOf);
      const again = back.filter((cell) => of(cell.model).indexOf(cell) < passed);
      const failure = { errorType: "Cancelled", message: "", at: null, worker: null, log: [] };
      for (const cell of again) stage.failures.set(cellName(cell), { ...cell, ...failure });
      for (const cell of back) stage.skipped.delete(cellName(cell));
      return { rtn: again.length };
    },
    embedCalibration: async () => ({ key: null, worker: stage.worker }),
    compressBlock: async ({ cell, block }: { cell: CellCoordinates; block: number }) => {
      stage.calls.push(`${cellName(cell)} ${block}`);
      stage.mostAtOnce = Math.max(stage.mostAtOnce, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, stage.blockMs));
      atOnce--;
      if (stage.poisoned.has(cellName(cell)))
        throw ApplicationFailure.create({ type: "NumericalError", message: "NaN in q_proj", nonRetryable: true });
      return { reused: false, error: 1, worker: stage.worker };
    },
    evaluate: async ({ cell }: { cell: CellCoordinates }) => {
      stage.calls.push(`${cellName(cell)} evaluate`);
      return { reused: false };
    },
    finishCell: async ({ cell }: { cell: CellCoordinates }) => {
      stage.finished.add(cellName(cell));
      stage.failures.delete(cellName(cell));
      stage.skipped.delete(cellName(cell));
      return {};
    },
    recordFailure: async ({ failure }: { failure: FailedCell }) => {
      stage.failures.set(cellName(failure), failure);
      stage.calls.push(`${cellName(failure)} failed with ${failure.errorType}`);
    },
    reportStudy: async () => {
      const open = cells.map(cellName).filter((name) => !stage.finished.has(name));
      const skipped = open.filter((name) => stage.skipped.has(name)).length;
      const failed = open.filter((name) => stage.failures.has(name) && !stage.skipped.has(name)).length;
      return { report: "s3://b/report.html", cells: stage.finished.size, failed, skipped, summary: "table" };
    },
  };
}

function makeCells(count: number, model = "m"): CellCoordinates[] {
  const method = { method: "rtn", bits: 4, groupSize: 128, symmetric: false, mse: false } as const;
  return Array.from({ length: count }, (_, set) => {
    return { model, method, methodLabel: "rtn", source: "s", size: 8, set, noise: null };
  });
}

function newStage(): Stage {
  const store = { finished: new Set<string>(), skipped: new Map(), failures: new Map() };
  return { ...store, poisoned: new Set(), calls: [], pages: 0, pending: [], mostAtOnce: 0, blockMs: 5 };
}

/** @param buildId the version of a worker deployment that the workers belong to */
async function withWorkers<T>(activities: object, work: (client: Client) => Promise<T>, buildId?: string): Promise<T> {
  const { nativeConnection: connection, namespace } = environment;
  const version = buildId === undefined ? undefined : { deploymentName: DEPLOYMENT, buildId };
  const common = { connection, namespace, ...versioning(version) };
  const workflows = await Worker.create({
    ...common,
    taskQueue: taskQueues.orchestration,
    workflowBundle: { codePath: bundlePath },
  });
  const { store, planning, compute, evaluation } = taskQueues;
  const queues = [store, planning, compute.cpu, evaluation.cpu];
  const steps = await Promise.all(queues.map((taskQueue) => Worker.create({ ...common, taskQueue, activities })));
  const run = steps.reduce(
    (inner, worker) => () => worker.runUntil(inner),
    () => work(environment.client),
  );
  return workflows.runUntil(run);
}

const SUMMARY = { failed: 0, report: "s3://b/report.html", summary: "table" };

function start(client: Client, name: string, options: StudyOptions = {}) {
  const args = [{ name }, options];
  const how = { workflowId: `study/${name}`, taskQueue: taskQueues.orchestration, args };
  return client.workflow.start("study", how);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("the condition has not come true in 60 seconds");
}

test("every cell is compressed block by block, evaluated once, and no more than the window run at once", async () => {
  const cells = makeCells(5);
  const stage = newStage();
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "all");
    const result = await handle.result();
    assert.deepEqual(result, { ...SUMMARY, name: "all", cells: 5, skipped: 0 });
    const progress = await handle.query<StudyProgress>("progress");
    assert.deepEqual(
      { phase: progress.phase, total: progress.total, done: progress.done, failed: progress.failed },
      { phase: "done", total: 5, done: 5, failed: 0 },
    );
  });
  for (const cell of cells.map(cellName)) {
    const own = stage.calls.filter((call) => call.startsWith(`${cell} `));
    assert.deepEqual(own, [`${cell} 0`, `${cell} 1`, `${cell} 2`, `${cell} evaluate`]);
  }
  assert.ok(stage.mostAtOnce <= 2);
});

test("a sweep that continues as new computes every cell exactly once", async () => {
  const cells = makeCells(30);
  const stage = newStage();
  await withWorkers(stubs(cells, stage), async (client) => {
    await (await start(client, "long")).result();
    const sweep = await client.workflow.getHandle("study/long/m/m").describe();
    assert.ok(sweep.raw.workflowExecutionInfo?.firstRunId !== sweep.runId, "the sweep went through several runs");
  });
  assert.ok(stage.pages >= 30 / PAGE, "no more cells were asked for than a page holds");
  assert.equal(stage.calls.length, 30 * (BLOCKS + 1));
  assert.equal(new Set(stage.calls).size, stage.calls.length);
});

test("blocks that a worker is offered which has gone are compressed by another, at their first attempt", async () => {
  const [cell] = makeCells(1);
  const stage = { ...newStage(), worker: ownQueue("gone") };
  await withWorkers(stubs([cell], stage), async (client) => {
    await (await start(client, "offered")).result();
    const runs = (await activitiesOf(client, cellWorkflowId("offered", cell))).filter(
      ({ step }) => step === "compressBlock",
    );
    assert.deepEqual(
      runs.map(({ attempts }) => attempts),
      Array.from({ length: BLOCKS }, () => [0, 1]).flat(),
    );
  });
  assert.deepEqual(
    stage.calls.filter((call) => !call.endsWith("evaluate")),
    [0, 1, 2].map((block) => `${cellName(cell)} ${block}`),
  );
});

test("a study of many models continues as new between them, and keeps its priority", async () => {
  const cells = Array.from({ length: 5 }, (_, i) => makeCells(1, `m${i}`)).flat();
  const stage = newStage();
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "models");
    assert.deepEqual(await handle.result(), { ...SUMMARY, name: "models", cells: 5, skipped: 0 });
    const { raw, runId } = await client.workflow.getHandle("study/models").describe();
    assert.ok(raw.workflowExecutionInfo?.firstRunId !== runId, "the study went through several runs");
    const cell = await client.workflow.getHandle(cellWorkflowId("models", cells[4])).describe();
    assert.deepEqual(cell.priority, { priorityKey: 2, fairnessKey: "models", fairnessWeight: 0 });
  });
  assert.equal(stage.calls.length, 5 * (BLOCKS + 1));
  assert.equal(new Set(stage.calls).size, stage.calls.length);
});

test("a poisoned cell is recorded, stops no other, and fails the study by name at its end; starting again tries it alone", async () => {
  const cells = makeCells(4);
  const stage = newStage();
  const bad = cellName(cells[1]);
  stage.poisoned.add(bad);
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "poison");
    await assert.rejects(handle.result(), (error: unknown) => {
      assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
      assert.equal(error.cause.type, "StudyIncomplete");
      return true;
    });
    assert.ok(stage.calls.includes(`${bad} failed with NumericalError`));
    const [{ at, worker, message }] = stage.failures.values();
    assert.deepEqual([at, message], ["block 1 of 3", "NaN in q_proj"]);
    assert.match(worker ?? "", /\d+@/);
    assert.equal(stage.finished.size, 3);

    stage.calls.length = 0;
    stage.poisoned.clear();
    await (await start(client, "poison")).result();
    assert.deepEqual(stage.calls, [`${bad} 0`, `${bad} 1`, `${bad} 2`, `${bad} evaluate`]);
  });
});

test("a running study tries its failed cells again on request", async () => {
  const cells = makeCells(3);
  const stage = { ...newStage(), blockMs: 300 };
  const bad = cellName(cells[0]);
  stage.poisoned.add(bad);
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "retried");
    await until(() => stage.calls.includes(`${bad} failed with NumericalError`));
    stage.poisoned.clear();
    stage.blockMs = LONG_MS;
    await until(async () => (await handle.query<StudyProgress>("progress")).failed === 1);
    assert.equal(await handle.executeUpdate("retryFailed"), 1);
    stage.blockMs = 50;
    assert.equal(((await handle.result()) as { failed: number }).failed, 0);
  });
});

test("skipped cells are left out, waiting or running, also when the study is started again; a retry computes them", async () => {
  const cells = makeCells(5);
  const [running, waiting] = [cells[0], cells[4]].map(cellName);
  const stage = { ...newStage(), blockMs: LONG_MS };
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "skipped");
    const skip = (cell: string) => handle.executeUpdate("skipCell", { args: [{ cell, reason: "too slow" }] });
    await until(() => stage.calls.some((call) => call.startsWith(running)));
    await Promise.all([skip(running), skip(waiting)]);
    stage.blockMs = 50;
    assert.deepEqual(await handle.result(), { ...SUMMARY, name: "skipped", cells: 3, skipped: 2 });
    const { done, failed, skipped } = await handle.query<StudyProgress>("progress");
    assert.deepEqual({ done, failed, skipped }, { done: 3, failed: 0, skipped: 2 });
    assert.equal(stage.failures.size, 0);

    stage.calls.length = 0;
    const again = await start(client, "skipped");
    assert.deepEqual(await again.result(), { ...SUMMARY, name: "skipped", cells: 3, skipped: 2 });
    assert.deepEqual(stage.calls, []);

    const retried = await start(client, "skipped", { unskip: true });
    assert.deepEqual(await retried.result(), { ...SUMMARY, name: "skipped", cells: 5, skipped: 0 });
  });
});

test("a running study takes back what was skipped on request", async () => {
  const cells = makeCells(4);
  const stage = { ...newStage(), blockMs: LONG_MS };
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "unskipped");
    await until(() => stage.calls.length > 0);
    await handle.executeUpdate("pause");
    stage.blockMs = 50;
    for (const cell of cells.slice(0, 3).map(cellName))
      await handle.executeUpdate("skipCell", { args: [{ cell, reason: "by mistake" }] });
    await until(async () => (await handle.query<StudyProgress>("progress")).skipped === 3);
    assert.equal(await handle.executeUpdate("retryFailed"), 3);
    await until(async () => (await handle.query<StudyProgress>("progress")).skipped === 0);
    await handle.executeUpdate("resume");
    assert.deepEqual(await handle.result(), { ...SUMMARY, name: "unskipped", cells: 4, skipped: 0 });
  });
});

test("counts that are told at the same moment arrive in the order in which they were true", async () => {
  const cells = makeCells(40);
  const stage = { ...newStage(), blockMs: LONG_MS };
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "ordered");
    await until(() => stage.calls.length > 0);
    await handle.executeUpdate("pause");
    const skip = (cell: string) => handle.executeUpdate("skipCell", { args: [{ cell, reason: "not needed" }] });
    await Promise.all(cells.map(cellName).map(skip));
    await until(async () => (await handle.query<StudyProgress>("progress")).skipped === 40);
    await handle.executeUpdate("resume");
    assert.equal(((await handle.result()) as { skipped: number }).skipped, 40);
  });
});

test("the number of cells at a time can be set for a model's sweep, and lasts when it continues as new", async () => {
  const stage = newStage();
  await withWorkers(stubs(makeCells(30), stage), async (client) => {
    const handle = await start(client, "slower");
    const sweep = client.workflow.getHandle("study/slower/m/m");
    await until(() => stage.calls.length > 0);
    await sweep.executeUpdate("setConcurrency", { args: [{ cells: 1 }] });
    await until(async () => (await sweep.query<SweepProgress>("progress")).running.length <= 1);
    const [{ runId }] = [await sweep.describe()];
    stage.mostAtOnce = 0;
    await handle.result();
    assert.notEqual((await sweep.describe()).runId, runId);
    assert.equal(stage.mostAtOnce, 1);
  });
  assert.equal(stage.finished.size, 30);
});

test("a model whose sweep is cancelled is reported as such, and the others are computed", async () => {
  const stage = { ...newStage(), blockMs: LONG_MS };
  const cells = [...makeCells(4, "one"), ...makeCells(2, "two")];
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "in-part");
    await until(() => stage.calls.length > 0);
    await client.workflow.getHandle("study/in-part/m/one").cancel();
    stage.blockMs = 50;
    await assert.rejects(handle.result(), (error: unknown) => {
      assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
      assert.deepEqual([error.cause.type, error.cause.message.split(".")[0]], ["StudyIncomplete", "cancelled: one"]);
      return true;
    });
    const { cancelled, models } = await handle.query<StudyProgress>("progress");
    assert.deepEqual([cancelled, models.two.done], [["one"], 2]);
    await (await start(client, "in-part")).result();
    assert.equal(stage.finished.size, 6);
  });
});

test("what makes no sense is refused by name, and nothing comes of it", async () => {
  const stage = { ...newStage(), blockMs: LONG_MS };
  await withWorkers(stubs(makeCells(2), stage), async (client) => {
    const handle = await start(client, "refusing");
    await until(() => stage.calls.length > 0);
    const wrong: [string, [unknown], RegExp][] = [
      ["skipCell", [{ cell: "n/rtn/s-n8-set0", reason: "slow" }], /n\/rtn\/s-n8-set0.* none of m/],
      ["skipCell", [{ cell: "m/rtn/s-n8-set7", reason: "slow" }], /no cell m\/rtn\/s-n8-set7/],
      ["skipCell", [{ cell: "m/rtn/s-n8-set0" }], /reason must be/],
      ["skipCell", ["m/rtn/s-n8-set0"], /undefined is none of m/],
      ["setConcurrency", [{ cells: 0 }], /cells is 0, but must be a whole number from 1 to 200/],
    ];
    for (const [name, args, said] of wrong) {
      await assert.rejects(handle.executeUpdate<unknown, [unknown]>(name, { args }), (error: unknown) => {
        assert.ok(error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure);
        assert.equal(error.cause.type, "InvalidSettings");
        assert.match(error.cause.message, said);
        return true;
      });
    }
    stage.blockMs = 50;
    await handle.result();
    assert.equal(stage.finished.size, 2);
  });
});

test("a paused study finishes what runs and starts nothing until it is resumed", async () => {
  const cells = makeCells(4);
  const stage = { ...newStage(), blockMs: 200 };
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "paused");
    await until(() => stage.calls.length >= 2);
    await handle.executeUpdate("pause");
    const sweep = client.workflow.getHandle("study/paused/m/m");
    const isAtRest = async (id: string) => {
      const { raw } = await client.workflow.getHandle(id).describe();
      return !raw.pendingWorkflowTask && (raw.pendingActivities ?? []).length === 0;
    };
    await until(async () => {
      const { paused, running } = await sweep.query<SweepProgress>("progress");
      return paused && (await Promise.all(running.map(isAtRest))).every(Boolean);
    });
    const before = stage.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(stage.calls.length, before);
    await handle.executeUpdate("resume");
    await handle.result();
    assert.equal(stage.finished.size, 4);
  });
});

test("a cancelled study ends with its cells, and goes on where it was when it is started again", async () => {
  const cells = makeCells(4);
  const stage = { ...newStage(), blockMs: 200 };
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await start(client, "cancelled");
    await until(() => stage.finished.size >= 1);
    stage.blockMs = LONG_MS;
    await handle.cancel();
    await assert.rejects(handle.result());
    stage.blockMs = 50;
    assert.ok(stage.finished.size < 4);
    stage.calls.length = 0;
    await (await start(client, "cancelled")).result();
    assert.equal(stage.finished.size, 4);
    // An activity that ran when the study was cancelled may finish its cell later: what counts is what the plan then found.
    assert.ok(stage.pending.length > 0 && stage.pending.length < 4);
    const evaluated = stage.calls.filter((call) => call.endsWith("evaluate")).sort();
    assert.deepEqual(evaluated, stage.pending.map((cell) => `${cellName(cell)} evaluate`).sort());
  });
});

test("what planning finds fails the study under its own name", async () => {
  const stage = newStage();
  const planStudy = async () => {
    throw ApplicationFailure.create({ type: "UnknownTask", message: "there is no task piqqa", nonRetryable: true });
  };
  await withWorkers({ ...stubs([], stage), planStudy }, async (client) => {
    await assert.rejects((await start(client, "bad")).result(), (error: unknown) => {
      assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
      assert.deepEqual([error.cause.type, error.cause.message], ["UnknownTask", "there is no task piqqa"]);
      return true;
    });
  });
});

function startSearch(client: Client, name: string) {
  const how = { workflowId: `search/${name}`, taskQueue: taskQueues.orchestration, args: [{ name }] };
  return client.workflow.start("search", how);
}

test("a search runs its rounds one after the other, and says what the last one found", async () => {
  const cells = makeCells(4);
  const stage = newStage();
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await startSearch(client, "sought");
    const rounds = [
      { candidates: 1, limit: 20, pilot: true, study: "sought.pilot" },
      { candidates: 4, limit: 5, study: "sought.round1" },
      { candidates: 2, limit: 20, study: "sought.round2" },
    ];
    assert.deepEqual(await handle.result(), { name: "sought", rounds, cost: 0.6, found: [] });
    assert.deepEqual(await handle.query("progress"), { phase: "done", rounds, cost: 0.6, round: 2 });
    const ended = await client.workflow.getHandle("study/sought.round2").describe();
    assert.equal(ended.status.name, "COMPLETED");
  });
  const own = stage.calls.filter((call) => call.includes("sought"));
  assert.deepEqual(own, [
    "the beginning to sought.pilot",
    "sought.pilot to sought.round1",
    "sought.round1 to sought.round2",
    "sought.round2 ranked",
  ]);
  assert.equal(stage.calls.lastIndexOf(`${cellName(cells[3])} evaluate`) < stage.calls.indexOf(own[2]), true);
});

test("a search whose round fails says which, and goes on with that round when it is started again", async () => {
  const cells = makeCells(3);
  const stage = newStage();
  stage.poisoned.add(cellName(cells[1]));
  await withWorkers(stubs(cells, stage), async (client) => {
    const failed = await startSearch(client, "failing-search");
    await assert.rejects(failed.result(), (error: unknown) => {
      assert.ok(error instanceof WorkflowFailedError);
      const { type, at } = rootFailure(error.cause);
      assert.deepEqual([type, at], ["StudyIncomplete", "study failing-search.pilot"]);
      return true;
    });
    assert.ok(!stage.calls.some((call) => call.includes("failing-search.pilot to ")));
    stage.poisoned.clear();
    await (await startSearch(client, "failing-search")).result();
  });
  assert.equal(stage.finished.size, 3);
});

test("a cancelled search ends with the round that runs", async () => {
  const cells = makeCells(4);
  const stage = { ...newStage(), blockMs: 200 };
  await withWorkers(stubs(cells, stage), async (client) => {
    const handle = await startSearch(client, "given-up");
    await until(() => stage.finished.size >= 1);
    stage.blockMs = LONG_MS;
    await handle.cancel();
    await assert.rejects(handle.result());
    assert.equal((await handle.describe()).status.name, "CANCELLED");
    assert.equal((await client.workflow.getHandle("study/given-up.pilot").describe()).status.name, "CANCELLED");
  });
  assert.ok(stage.finished.size < 4);
});

test("a step whose result is too large for a history fails the study by name, at once", async () => {
  const runner = { run: async () => "x".repeat(3 << 20) };
  const { planStudy } = delegatedActivities(["planStudy"], runner);
  await withWorkers({ ...stubs([], newStage()), planStudy }, async (client) => {
    const handle = await start(client, "large");
    await assert.rejects(handle.result(), (error: unknown) => {
      assert.ok(error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure);
      assert.equal(error.cause.type, "ResultTooLarge");
      return true;
    });
    const { events } = await handle.fetchHistory();
    const attempts = events?.map((event) => event.activityTaskStartedEventAttributes?.attempt).filter(Boolean);
    assert.deepEqual(attempts, [1]);
  });
});

test("in the middle of an upgrade a cell ends with the build that began it, and the next cells get the current one", async () => {
  const cells = makeCells(6);
  const stage = { ...newStage(), blockMs: 200 };
  const builds = new Map<string, Set<string>>();
  const activities = (build: string) => {
    const { compressBlock, ...others } = stubs(cells, stage);
    return {
      ...others,
      compressBlock: (input: { cell: CellCoordinates; block: number }) => {
        const name = cellName(input.cell);
        builds.set(name, new Set(builds.get(name)).add(build));
        return compressBlock(input);
      },
    };
  };
  const upgrade = async (client: Client) => {
    const handle = await start(client, "upgraded");
    await makeCurrent("old");
    await until(() => builds.size > 0);
    await withWorkers(activities("new"), () => makeCurrent("new").then(() => handle.result()), "new");
  };
  await withWorkers(activities("old"), upgrade, "old").finally(() => makeCurrent(""));
  assert.deepEqual([...new Set([...builds.values()].map((each) => each.size))], [1]);
  assert.deepEqual([...new Set([...builds.values()].flatMap((each) => [...each]))], ["old", "new"]);
});

/** Once the server has heard of the build's workers. None: unversioned workers get the work again. */
function makeCurrent(buildId: string): Promise<void> {
  const { connection, options } = environment.client;
  const request = { namespace: options.namespace, deploymentName: DEPLOYMENT, buildId, identity: "test" };
  return until(() =>
    connection.workflowService.setWorkerDeploymentCurrentVersion(request).then(
      () => true,
      () => false,
    ),
  );
}
