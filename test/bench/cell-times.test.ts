import assert from "node:assert/strict";
import { test } from "node:test";
import { msNumberToTs } from "@temporalio/common/lib/time.js";
import { stepTimes } from "../../bench/cell-times.js";

type History = Parameters<typeof stepTimes>[0];

/** Events as the server tells them. */
function history(...events: object[]): History {
  return { events: events.map((event, i) => ({ eventId: i + 1, ...event })) } as unknown as History;
}
const at = (seconds: number) => ({ eventTime: msNumberToTs(1000 * seconds) });
const scheduled = (name: string) => ({ activityTaskScheduledEventAttributes: { activityType: { name } } });

test("a step's times are those of its own events, whatever stands between; what was not completed is left out", () => {
  const steps = stepTimes(
    history(
      { ...at(1), workflowExecutionStartedEventAttributes: {} },
      { ...at(2), ...scheduled("embedCalibration") },
      { ...at(3), ...scheduled("compressBlock") },
      { ...at(3.5), activityTaskStartedEventAttributes: { scheduledEventId: 3 } },
      { ...at(4), activityTaskStartedEventAttributes: { scheduledEventId: 2 } },
      { ...at(5), activityTaskCompletedEventAttributes: { scheduledEventId: 2 } },
      { ...at(6), activityTaskCompletedEventAttributes: { scheduledEventId: 3 } },
      { ...at(7), ...scheduled("compressBlock") },
    ),
  );
  assert.deepEqual(steps, [
    { step: "embedCalibration", scheduled: 2000, started: 4000, completed: 5000 },
    { step: "compressBlock", scheduled: 3000, started: 3500, completed: 6000 },
  ]);
});
