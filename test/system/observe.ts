import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, defaultPayloadConverter, WorkflowNotFoundError } from "@temporalio/client";
import type { StepName } from "../../activities/steps.js";
import type { StudyHandle } from "../../client/study-handle.js";
import { type CheckpointKind, type Manifest, openCheckpoints } from "../../storage/checkpoints.js";
import { openStore } from "../../storage/store.js";
import { TouchstoneError } from "../../study/errors.js";
import type { StudySummary } from "../../study/progress.js";
import { computeProcesses, signalProcesses, until } from "./harness.js";

/** Of an activity that a worker has in hand, in the server's own numbers. */
const STARTED = 2;

/** What is done in the middle of which step. */
export interface Middle {
  workflowId: string;
  step: StepName;
  /** Activities of a cell are numbered in the order in which they are scheduled; earlier ones are let pass. */
  from?: number;
  act?: () => unknown;
}

/**
 * Acts in the middle of a step: a worker has it in hand, and its compute process is at it. Compute processes stand still
 * meanwhile, since a step of the small model may be over sooner than it is seen.
 */
export async function inTheMiddleOf(client: Client, { workflowId, step, from = 1, act }: Middle): Promise<void> {
  await until(`a worker is in the middle of ${step} of ${workflowId}`, 400, async () => {
    if ((await atWork(client, workflowId, step, from)) === undefined) return false;
    const standing = await computeProcesses();
    signalProcesses(standing, "SIGSTOP");
    try {
      const held = await atWork(client, workflowId, step, from);
      await sleep(250);
      if (held === undefined || (await atWork(client, workflowId, step, from)) !== held) return false;
      await act?.();
      return true;
    } finally {
      signalProcesses(standing, "SIGCONT");
    }
  });
}

/** The activity of this kind that a worker has in hand, and its attempt. */
export async function atWork(
  client: Client,
  workflowId: string,
  step: StepName,
  from = 1,
): Promise<string | undefined> {
  const { raw } = await client.workflow.getHandle(workflowId).describe().catch(absent);
  const found = raw.pendingActivities?.find(
    ({ activityType, activityId, state }) =>
      activityType?.name === step && state === STARTED && Number(activityId) >= from,
  );
  return found === undefined ? undefined : `${found.activityId} ${found.attempt}`;
}

function absent(error: unknown): { raw: { pendingActivities?: [] } } {
  if (error instanceof WorkflowNotFoundError) return { raw: {} };
  throw error;
}

/** Waits for a study's end through outages of the server. */
export async function outcome(study: StudyHandle, seconds = 180): Promise<StudySummary> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    try {
      return await within(Math.max(1, deadline - performance.now()), study.result());
    } catch (error) {
      const isAway = error instanceof TouchstoneError && error.type === "ServiceUnavailable";
      if (!isAway || performance.now() > deadline) throw error;
      await sleep(500);
    }
  }
}

export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const timer = sleep(milliseconds, undefined, { signal: late.signal }).then(() => {
    throw new Error(`not done after ${milliseconds} ms`);
  });
  timer.catch(() => {});
  try {
    return await Promise.race([work, timer]);
  } finally {
    late.abort();
  }
}

export interface ActivityRun {
  step: string;
  /** What it was given, encoded. */
  input: string;
  /** Attempts it took; 0 where none was started, as where a worker that it was offered to was busy. */
  attempts: number;
  /** What it returned. */
  result?: unknown;
}

/** The activities of a workflow's latest run, in the order in which they were scheduled. */
export async function activitiesOf(client: Client, workflowId: string): Promise<ActivityRun[]> {
  const { events = [] } = await client.workflow.getHandle(workflowId).fetchHistory();
  const runs = new Map<string, ActivityRun>();
  for (const event of events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const input = Buffer.from(scheduled.input?.payloads?.[0]?.data ?? []).toString("base64");
      runs.set(String(event.eventId), { step: scheduled.activityType?.name ?? "", input, attempts: 0 });
    }
    const started = event.activityTaskStartedEventAttributes;
    const begun = runs.get(String(started?.scheduledEventId));
    if (begun !== undefined) begun.attempts = started?.attempt ?? 0;
    const completed = event.activityTaskCompletedEventAttributes;
    const done = runs.get(String(completed?.scheduledEventId));
    const payload = completed?.result?.payloads?.[0];
    if (done !== undefined && payload) done.result = defaultPayloadConverter.fromPayload(payload);
  }
  return Array.from(runs.values());
}

/** How many attempts beyond the first the steps of a kind took. */
export async function repeated(client: Client, workflowId: string, step: StepName): Promise<number> {
  const runs = (await activitiesOf(client, workflowId)).filter((run) => run.step === step && run.attempts > 0);
  const attempts = runs.reduce((sum, run) => sum + run.attempts, 0);
  return attempts - new Set(runs.map(({ input }) => input)).size;
}

/** The manifests of a kind under a prefix, by their keys. */
export async function manifestsOf(prefix: string, kind: CheckpointKind): Promise<Map<string, Manifest>> {
  const store = openStore({ bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix });
  const found = new Map<string, Manifest>();
  for (const key of await store.list(`v1/${kind}/`)) {
    const manifest = JSON.parse(new TextDecoder().decode(await store.read(key))) as Manifest;
    found.set(manifest.key, manifest);
  }
  return found;
}

const RESULTS: readonly CheckpointKind[] = ["calibration", "block", "evaluation", "cell"];

/** Everything that a study has found, by kind and key: digests of all objects, and figures; all but times. */
export async function resultsOf(prefix: string): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {};
  for (const kind of RESULTS) {
    for (const [key, { objects, facts }] of await manifestsOf(prefix, kind)) {
      results[`${kind} ${key}`] = { objects, facts: withoutSeconds(facts) };
    }
  }
  return results;
}

/** Reads every object that the results name; rejects where one is gone, or its bytes don't fit its checksum. */
export async function assertWhole(prefix: string): Promise<void> {
  const checkpoints = openCheckpoints(openStore({ bucket: process.env.TOUCHSTONE_BUCKET ?? "", prefix }));
  let objects = 0;
  for (const kind of RESULTS) {
    for (const manifest of (await manifestsOf(prefix, kind)).values()) {
      for (const name of Object.keys(manifest.objects)) {
        await checkpoints.object(manifest, name);
        objects++;
      }
    }
  }
  assert.ok(objects > 0, "the study has stored objects");
}

function withoutSeconds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSeconds);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "seconds");
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutSeconds(item)]));
}
