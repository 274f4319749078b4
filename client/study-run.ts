import {
  ApplicationFailure,
  type Client,
  type WorkflowExecutionStatusName,
  WorkflowFailedError,
  type WorkflowHandle,
} from "@temporalio/client";
import { decodeArrayFromPayloads } from "@temporalio/common/lib/internal-non-workflow/index.js";
import { expandCells } from "../study/cells.js";
import type { StudySummary, StudyView } from "../study/progress.js";
import { type StudySpec, type StudySpecInput, studySpecSchema } from "../study/spec.js";
import { type Failure, rootFailure } from "../workflows/failures.js";
import type { study } from "../workflows/study.js";

// What the server knows of a study's latest run without any worker.

/** How a run ended. */
export interface StudyEnd {
  phase: StudyView["phase"];
  failure: Failure | null;
  /** As far as it has one. */
  summary: Partial<StudySummary>;
}

/** The specification that a study's or search's latest run was given, as it was given. */
export async function givenSpec(client: Client, workflowId: string): Promise<StudySpecInput> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId },
    maximumPageSize: 1,
  });
  const input = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
  const [given] = (await decodeArrayFromPayloads(client.options.loadedDataConverter, input)) as StudySpecInput[];
  if (given === undefined) throw new RangeError(`the history of ${workflowId} has no input`);
  return given;
}

/** undefined where what the run was given is no specification: then planning says so. */
export async function parsedSpec(client: Client, workflowId: string): Promise<StudySpec | undefined> {
  return studySpecSchema.safeParse(await givenSpec(client, workflowId)).data;
}

export function countCells(spec: StudySpec | undefined): number {
  return spec?.models.reduce((sum, { id }) => sum + expandCells(spec, id).length, 0) ?? 0;
}

/** undefined while it runs. */
export async function endOf(
  workflow: WorkflowHandle<typeof study>,
  status: WorkflowExecutionStatusName,
): Promise<StudyEnd | undefined> {
  const phase = PHASES[status];
  if (phase === undefined) return undefined;
  try {
    return { phase, failure: null, summary: await workflow.result() };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { phase, failure: rootFailure(error.cause), summary: incompleteSummary(error.cause) };
  }
}

/** Waits for the end of a run. @returns null where it ended well */
export async function failureOf(workflow: WorkflowHandle): Promise<Failure | null> {
  try {
    await workflow.result();
    return null;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return rootFailure(error.cause);
  }
}

const PHASES: Partial<Record<WorkflowExecutionStatusName, StudyView["phase"]>> = {
  COMPLETED: "done",
  FAILED: "failed",
  CANCELLED: "cancelled",
  TERMINATED: "terminated",
  TIMED_OUT: "timed out",
};

/** A StudyIncomplete has what was done in its details. */
function incompleteSummary(cause: unknown): Partial<StudySummary> {
  if (!(cause instanceof ApplicationFailure) || cause.type !== "StudyIncomplete") return {};
  const [summary = {}] = (cause.details ?? []) as Partial<StudySummary>[];
  return summary;
}
