import assert from "node:assert/strict";
import { test } from "node:test";
import { ActivityFailure, ApplicationFailure, CancelledFailure, RetryState, TimeoutFailure } from "@temporalio/common";
import { asRootFailure, rootFailure } from "../../workflows/failures.js";

function ofActivity(cause: Error): ActivityFailure {
  return new ActivityFailure(
    "Activity task failed",
    "compressBlock",
    "7",
    RetryState.NON_RETRYABLE_FAILURE,
    "w@host",
    cause,
  );
}

test("a failure has its root's name, the place that the cell knows, its worker and the last lines of its process", () => {
  const details = [{ origin: { log: ["last words"] } }];
  const root = ApplicationFailure.create({ type: "OutOfMemory", message: "Memory ran out.", details });
  const failed = asRootFailure(asRootFailure(ofActivity(root), "block 3 of 6"));
  const expected = { type: "OutOfMemory", message: "Memory ran out.", at: "block 3 of 6", worker: "w@host" };
  assert.deepEqual(rootFailure(failed), { ...expected, log: ["last words"] });
  assert.equal(failed.nonRetryable, true);
});

test("every failure has a name of ours", () => {
  const timeout = new TimeoutFailure("activity Heartbeat timeout", undefined, "HEARTBEAT");
  const named: [unknown, string, RegExp][] = [
    [ofActivity(timeout), "TimedOut", /no sign of life \(activity Heartbeat timeout\)/],
    [new CancelledFailure("cancelled"), "Cancelled", /cancelled/],
    [
      ofActivity(ApplicationFailure.create({ type: "TypeError", message: "x" })),
      "InternalError",
      /mistake: .*x.*report it/,
    ],
    [new RangeError("no such"), "InternalError", /RangeError: no such/],
    ["thrown", "InternalError", /thrown/],
  ];
  for (const [error, type, message] of named) {
    const failure = rootFailure(error);
    assert.equal(failure.type, type);
    assert.match(failure.message, message);
  }
});
