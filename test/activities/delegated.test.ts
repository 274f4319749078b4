import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { ApplicationFailure } from "@temporalio/activity";
import { MockActivityEnvironment } from "@temporalio/testing";
import { delegatedActivities } from "../../activities/delegated.js";
import { type ErrorType, TouchstoneError } from "../../study/errors.js";

type Runs = () => Promise<unknown>;

/** One attempt of an activity; what its last heartbeat said, and how it ended. */
async function attempt(run: Runs, before?: unknown) {
  const environment = new MockActivityEnvironment({ heartbeatDetails: before });
  let heartbeat: unknown = before;
  environment.on("heartbeat", (details) => {
    heartbeat = details;
  });
  const { planStudy } = delegatedActivities(["planStudy"], { run });
  const [ended] = await Promise.allSettled([environment.run(planStudy as Runs)]);
  return { ended, heartbeat };
}

const failing =
  (type: ErrorType, what = "it failed") =>
  () =>
    Promise.reject(new TouchstoneError(type, { what }));

function failure({ ended }: Awaited<ReturnType<typeof attempt>>): ApplicationFailure {
  assert.ok(ended.status === "rejected" && ended.reason instanceof ApplicationFailure);
  return ended.reason;
}

test("the fourth crash of an activity is final; attempts that ended otherwise between them don't count", async () => {
  let heartbeat: unknown;
  const finals: boolean[] = [];
  for (const type of ["ComputeCrashed", "ServiceUnavailable", "OutOfMemory", "CheckpointCorrupt"] as const) {
    for (let i = 0; i < 2; i++) {
      const ended = await attempt(failing(type), heartbeat);
      heartbeat = ended.heartbeat;
      finals.push(failure(ended).nonRetryable === true);
    }
  }
  assert.deepEqual(finals, [false, false, false, false, false, true, false, false]);
});

test("a result that is no reference fails at once, and says what it is", async () => {
  const { type, nonRetryable, message } = failure(await attempt(async () => "x".repeat(3 << 20)));
  assert.deepEqual([type, nonRetryable], ["ResultTooLarge", true]);
  assert.match(message, /3145730 bytes.*planStudy/);
});

test("a message that is too long for a history is cut", async () => {
  assert.ok(failure(await attempt(failing("NumericalError", "x".repeat(3 << 20)))).message.length < 5000);
});

for (const type of ["StorageUnavailable", "DiskFull"] as const) {
  test(`${type} is waited for, and fails after half an hour, retryable`, async () => {
    mock.timers.enable({ apis: ["setInterval", "Date"] });
    const started = performance.now();
    const clock = mock.method(performance, "now", () => started + 31 * 60_000 * Number(tries > 1));
    let tries = 0;
    try {
      const ended = await attempt(() => {
        tries++;
        return failing(type)();
      });
      assert.equal(failure(ended).type, type);
      assert.equal(failure(ended).nonRetryable, false);
      assert.equal(tries, 2);
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
  });
}
