import type { WorkflowHandle } from "@temporalio/client";
import { tsToMs } from "@temporalio/common/lib/time.js";

/** When a step of a cell was asked for, when a worker began with it, and when it was done; milliseconds of the server's clock. */
export interface StepTimes {
  step: string;
  scheduled: number;
  started: number;
  completed: number;
}

type History = Awaited<ReturnType<WorkflowHandle["fetchHistory"]>>;

/** The steps of a workflow that were completed, in the order in which they were asked for. */
export function stepTimes({ events }: History): StepTimes[] {
  const steps = new Map<string, StepTimes>();
  for (const event of events ?? []) {
    const at = tsToMs(event.eventTime);
    const { activityTaskScheduledEventAttributes: asked } = event;
    if (asked !== null && asked !== undefined) {
      const step = asked.activityType?.name ?? "";
      steps.set(String(event.eventId), { step, scheduled: at, started: Number.NaN, completed: Number.NaN });
    }
    const { activityTaskStartedEventAttributes: began, activityTaskCompletedEventAttributes: done } = event;
    const known = steps.get(String(began?.scheduledEventId ?? done?.scheduledEventId));
    if (known !== undefined) known[began ? "started" : "completed"] = at;
  }
  return [...steps.values()].filter(({ completed }) => !Number.isNaN(completed));
}
