import type { Client } from "@temporalio/client";
import {
  decodeArrayFromPayloads,
  decodeOptionalFailureToOptionalError,
} from "@temporalio/common/lib/internal-non-workflow/index.js";
import type { StepProgress } from "../activities/step-progress.js";
import { allTaskQueues, namedCellWorkflowId, studyWorkflowId } from "../study/names.js";
import type { CellProgress, PendingStep, QueueView, StudyOverview, StudyView } from "../study/progress.js";
import { failureOf } from "./study-run.js";

const SHOWN_FAILURES = 5;
const LOOKED_AT = 20;
/** In the server's own numbers: queues of activities; an activity that a worker has in hand. */
const ACTIVITIES = 2;
const STARTED = 2;
/** A worker asks for a minute at a time, and again. */
const GONE_MS = 90_000;

/**
 * Adds what the server knows to what the workflows answer: steps in hand, causes of failures, workers.
 * @param causes of failed runs, by run id; kept between calls, since they don't change
 */
export async function studyOverview(
  client: Client,
  name: string,
  view: StudyView,
  causes: Map<string, string>,
): Promise<StudyOverview> {
  const [steps, cells, failures] = await Promise.all([
    Promise.all([studyWorkflowId(name), ...view.running].map((id) => pendingSteps(client, id))),
    Promise.all(view.cells.map((cell) => withSteps(client, name, cell))),
    view.failed === 0 ? [] : failedCells(client, name, causes),
  ]);
  // Who has all hands full asks for no work, and isn't listed.
  const inHand = [...steps.flat(), ...cells.flatMap((cell) => cell.steps)];
  const busy = inHand.flatMap(({ worker }) => (worker === null ? [] : [worker]));
  const queues = await Promise.all(allTaskQueues.map((queue) => queueView(client, queue, busy)));
  return { ...view, steps: steps.flat(), cells, failures, queues };
}

async function withSteps(client: Client, study: string, cell: CellProgress) {
  return { ...cell, steps: await pendingSteps(client, namedCellWorkflowId(study, cell.cell)) };
}

async function pendingSteps(client: Client, workflowId: string): Promise<PendingStep[]> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const converter = client.options.loadedDataConverter;
  const steps = (raw.pendingActivities ?? []).map(async (activity): Promise<PendingStep> => {
    const { activityType, state, lastWorkerIdentity, attempt, heartbeatDetails, lastFailure } = activity;
    const [progress] = (await decodeArrayFromPayloads(converter, heartbeatDetails?.payloads)) as StepProgress[];
    const failure = await decodeOptionalFailureToOptionalError(converter, lastFailure);
    return {
      step: activityType?.name ?? "",
      worker: (state === STARTED && lastWorkerIdentity) || null,
      attempt: attempt ?? 1,
      stage: progress === undefined ? null : describeStage(progress),
      failure: failure?.message ?? null,
    };
  });
  return Promise.all(steps);
}

function describeStage({ stage, done, total }: StepProgress): string {
  return total > 1 ? `${stage}, ${done} of ${total}` : stage;
}

/** The latest first, as the server lists them. */
async function failedCells(client: Client, study: string, causes: Map<string, string>) {
  const query = `TouchstoneStudy = "${study}" AND WorkflowType = "cell" AND ExecutionStatus = "Failed"`;
  const found = new Map<string, string>();
  let looked = 0;
  for await (const { workflowId, runId } of client.workflow.list({ query, pageSize: SHOWN_FAILURES })) {
    const { runId: latest } = await client.workflow.getHandle(workflowId).describe();
    // One that was tried again fails no more, or under another run.
    if (latest === runId) {
      if (!causes.has(runId)) {
        const failure = await failureOf(client.workflow.getHandle(workflowId, runId));
        causes.set(runId, failure === null ? "" : `${failure.type}: ${failure.message}`);
      }
      found.set(workflowId, causes.get(runId) ?? "");
    }
    if (found.size === SHOWN_FAILURES || ++looked === LOOKED_AT) break;
  }
  const prefix = namedCellWorkflowId(study, "");
  return Array.from(found, ([id, cause]) => ({ cell: id.slice(prefix.length), cause }));
}

/** @param busy workers that have steps in hand, of whichever queue */
async function queueView(
  { workflowService, options }: Client,
  queue: string,
  busy: readonly string[],
): Promise<QueueView> {
  const { pollers, stats } = await workflowService.describeTaskQueue({
    namespace: options.namespace,
    taskQueue: { name: queue },
    taskQueueType: ACTIVITIES,
    reportStats: true,
  });
  const since = Date.now() - GONE_MS;
  const present = (pollers ?? []).filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > since);
  const own = busy.filter((worker) => worker.startsWith(`${queue}@`));
  return {
    queue,
    workers: [...new Set([...present.map(({ identity }) => identity ?? ""), ...own])].sort(),
    waiting: Number(stats?.approximateBacklogCount ?? 0),
  };
}
