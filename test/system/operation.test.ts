import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { checkoutFolder } from "../../storage/home.js";
import { metrics } from "../../study/metrics.js";
import { taskQueues } from "../../study/names.js";
import type { StudyOverview } from "../../study/progress.js";
import { exposedName, metricsOfDashboards } from "../dashboards.js";
import { startWorker, until, useSystem, type WorkerProcess } from "./harness.js";
import { outcome } from "./observe.js";
import { skip } from "./set-up.js";
import { smallStudy } from "./small-study.js";

// What an operator sees of a study that runs: the live table, metrics, logs and traces.

const system = useSystem({ worker: false, prepare: runStudy, minutes: 10 });
const options = { skip, timeout: 60_000 };
let metricsUrl = "";
let worker: WorkerProcess;
/** What the watch has printed: documents, and lines. */
let seen: StudyOverview[] = [];
let written = "";
const spans = createServer();
const received: string[] = [];
const watching: ChildProcess[] = [];

async function startWatchedWorker(): Promise<void> {
  spans.on("request", async (request: IncomingMessage, response) => {
    received.push(Buffer.concat(await request.toArray()).toString());
    response.end("{}");
  });
  const traces = await listen(spans);
  const free = createServer();
  const metricsPort = await listen(free);
  await new Promise((resolve) => free.close(resolve));
  metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  worker = await startWorker(["--metrics", String(metricsPort)], {
    TOUCHSTONE_TRACES: "1",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${traces}`,
    OTEL_BSP_SCHEDULE_DELAY: "500",
  });
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

after(() => {
  for (const child of watching) child.kill();
  spans.close();
  spans.closeAllConnections();
});

/** Samples of the worker's endpoint: sums over all tags, by name; none before it is up. */
async function scrape(): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  const text = await fetch(metricsUrl).then(
    (response) => response.text(),
    () => "",
  );
  for (const line of text.split("\n")) {
    const [, name, value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + Number(value));
  }
  return sums;
}

/** What `touchstone study watch NAME` prints until it ends. */
async function watched(name: string, more: readonly string[] = []): Promise<string> {
  const cli = join(checkoutFolder, "dist", "client", "cli.js");
  const child = spawn(process.execPath, [cli, "study", "watch", name, ...more], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  watching.push(child);
  const output = Buffer.concat(await child.stdout.toArray()).toString();
  assert.equal(child.exitCode ?? (await once(child, "exit"))[0], 0);
  return output;
}

/** A study with a killed compute process in it, watched from its start to its end. */
async function runStudy(): Promise<void> {
  await startWatchedWorker();
  const spec = smallStudy(system, "seen", {
    methods: [{ method: "gptq" }, { method: "magnitude", pattern: "2:4" }],
    calibration: { sizes: [4], length: 128 },
    evaluation: { limit: 4, perplexity: [] },
  });
  const study = await system.touchstone.start(spec);
  const views = watched("seen", ["--json"]);
  const lines = watched("seen");
  // An attempt that fails, and a workflow that can't go on: so that the metrics of failures are there.
  await until("a block is stored", 300, async () => ((await scrape()).get("touchstone_blocks_total") ?? 0) > 0);
  await until("an attempt has failed", 120, async () => {
    for (const pid of await worker.computeProcesses()) process.kill(pid, "SIGKILL");
    await sleep(2000);
    return (await scrape()).has("temporal_activity_execution_failed_total");
  });
  const taskQueue = taskQueues.orchestration;
  const stuck = await system.temporal.workflow.start("unheard-of", { workflowId: "stuck", taskQueue, args: [] });
  await outcome(study, 400);
  seen = (await views)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as StudyOverview);
  written = await lines;
  const failed = "temporal_workflow_task_execution_failed_total";
  await until("a workflow task has failed", 60, async () => (await scrape()).has(failed));
  await stuck.terminate();
}

test("the watch shows cells by model and method, blocks, rates, and the workers with their devices", options, () => {
  const counts = { total: 1, done: 1, failed: 0, running: 0 };
  const { phase, models } = seen[seen.length - 1];
  assert.equal(phase, "done");
  assert.deepEqual(models, {
    small: { total: 3, done: 3, failed: 0, skipped: 0, methods: { dense: counts, gptq: counts, magnitude: counts } },
  });
  const cells = seen.flatMap((overview) => overview.cells);
  assert.ok(
    cells.some(({ blockSeconds }) => blockSeconds !== null && blockSeconds > 0),
    "a rate is seen",
  );
  const steps = cells.flatMap((cell) => cell.steps);
  assert.ok(steps.some(({ step, worker: at }) => step === "compressBlock" && /^touchstone-compute@/.test(at ?? "")));
  const identities = new Set(seen.flatMap(({ queues }) => queues.flatMap(({ workers }) => workers)));
  assert.ok(
    [...identities].some((identity) => /^touchstone-compute@.*\/(cpu|gpu|wasm) x1$/.test(identity)),
    [...identities].join(),
  );
  assert.match(written, /^seen: (planning|running), .* of .* cells/m);
  assert.match(written.trimEnd().split("\n").at(-1) ?? "", /^seen: done, 3 of 3 cells/);
});

test("the worker's endpoint has every metric of the dashboard and of the alerts", options, async () => {
  const found = await scrape();
  const missing = (await metricsOfDashboards()).filter((name) => !found.has(name));
  assert.deepEqual(missing, []);
  for (const name of Object.keys(metrics) as (keyof typeof metrics)[]) {
    if (name !== "touchstone_store_wait_seconds") assert.ok((found.get(exposedName(name)) ?? 0) > 0, name);
  }
});

test(
  "every line about a step names its study, and those of a cell's steps cell, and block or evaluation",
  options,
  async () => {
    const lines = (await readFile(worker.log, "utf8")).split("\n").filter((line) => line.startsWith("{"));
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const steps = logged.filter(({ step, activityType }) => step !== undefined || activityType !== undefined);
    assert.deepEqual(
      steps.filter(({ study: name }) => name !== "seen"),
      [],
    );
    assert.ok(steps.some(({ activityType, attempt }) => activityType !== undefined && attempt !== undefined));
    const blocks = steps.filter(({ step, activityType }) => [step, activityType].includes("compressBlock"));
    assert.ok(blocks.length > 0);
    assert.deepEqual(
      blocks.filter(({ cell, block }) => typeof cell !== "string" || typeof block !== "number"),
      [],
    );
    assert.ok(steps.some(({ step, evaluation }) => step === "evaluate" && evaluation === "piqa"));
  },
);

test("traces have a span for each attempt, those of a cell in one trace", options, async () => {
  await until("spans have come", 30, () => received.join().includes("finishCell"));
  assert.match(received.join(), /"name":"compressBlock"/);
  assert.match(received.join(), /small\/gptq\/sotu-n4-set0/);
});
