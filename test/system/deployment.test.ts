import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { silentProgress } from "../../infra/progress.js";
import { temporalBinary } from "../../infra/temporal.js";
import { studyWorkflowId, taskQueues } from "../../study/names.js";
import { output, servicePid, startWorker, until, useSystem, type WorkerProcess } from "./harness.js";
import { skip } from "./set-up.js";

// What a supervisor, a cluster or an upgrade does to workers.

const system = useSystem({ worker: false });
const options = { skip, timeout: 240_000 };
const HEALTH = "127.0.0.1:26465";

test("a worker of a deployment gets work once its version is current", options, async () => {
  const version = ["--deployment", "touchstone", "--build-id", "v2"];
  const worker = await startWorker(version);
  const study = await system.temporal.workflow.start("study", {
    workflowId: studyWorkflowId("versioned"),
    taskQueue: taskQueues.orchestration,
    args: [{ name: "versioned" }],
  });
  const begun = async () => (await study.describe()).historyLength > 2;
  await until("the server knows the version", 60, () =>
    temporal(["worker", "deployment", "describe-version", "--deployment-name", "touchstone", "--build-id", "v2"]).then(
      () => true,
      () => false,
    ),
  );
  await sleep(1000);
  assert.equal(await begun(), false);

  await temporal([
    ...["worker", "deployment", "set-current-version", "--deployment-name", "touchstone", "--build-id", "v2"],
    ...["--yes", "--ignore-missing-task-queues"],
  ]);
  await assert.rejects(system.touchstone.study("versioned").result(), { name: "InvalidStudySpec" });
  await ended(worker);
});

test(
  "a worker is live while the server is away, and ready when it is back; one that is stuck answers nothing",
  options,
  async () => {
    const worker = await startWorker(["--health", HEALTH]);
    await until("the worker is ready", 60, async () => (await probe("/ready")) === 200);
    const server = await servicePid("temporal");
    process.kill(server, "SIGSTOP");
    await until("the worker misses the server", 60, async () => (await probe("/ready")) === 503);
    assert.equal(await probe("/live"), 200);
    process.kill(server, "SIGCONT");
    await until("the worker is ready again", 60, async () => (await probe("/ready")) === 200);

    worker.kill("SIGSTOP");
    assert.equal(await probe("/live"), undefined);
    worker.kill("SIGCONT");
    await until("the worker answers again", 60, async () => (await probe("/live")) === 200);
    await ended(worker);
  },
);

/** The status of the answer; undefined where there is none within the time that a cluster waits. */
async function probe(path: string): Promise<number | undefined> {
  const answer = await fetch(`http://${HEALTH}${path}`, { signal: AbortSignal.timeout(6000) }).catch(() => undefined);
  return answer?.status;
}

async function ended(worker: WorkerProcess): Promise<void> {
  worker.kill("SIGKILL");
  await worker.ended;
}

async function temporal(args: readonly string[]): Promise<string> {
  const program = await temporalBinary(silentProgress);
  return output(program, [...args, "--address", process.env.TEMPORAL_ADDRESS ?? ""]);
}
