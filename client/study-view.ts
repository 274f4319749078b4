import type { Client, WorkflowExecutionDescription } from "@temporalio/client";
import { TouchstoneError } from "../study/errors.js";
import { studyWorkflowId } from "../study/names.js";
import type { CellProgress, StudyProgress, StudyView, SweepProgress } from "../study/progress.js";
import type { study } from "../workflows/study.js";
import { secondsLeft } from "./estimate.js";
import { countCells, endOf, parsedSpec, type StudyEnd } from "./study-run.js";

const SHOWN_CELLS = 20;

type Known = Omit<StudyView, "ended" | "cause" | "cells" | "secondsLeft" | "started">;

/**
 * Where a study stands: what its workflows say, where a worker answers for them; how it ended, by the server's own word; and
 * where no worker answers what the server knows.
 * @param ask puts the query `progress` to a workflow. @throws TouchstoneError ServiceUnavailable where none answers
 */
export async function studyView(
  client: Client,
  name: string,
  ask: <Progress>(workflowId: string) => Promise<Progress>,
): Promise<StudyView> {
  const workflow = client.workflow.getHandle<typeof study>(studyWorkflowId(name));
  const run = await workflow.describe();
  const end = await endOf(workflow, run.status.name);
  const told = await ask<StudyProgress>(workflow.workflowId).catch((error) => {
    const isUnanswered = error instanceof TouchstoneError && error.type === "ServiceUnavailable";
    if (end !== undefined || isUnanswered) return undefined;
    throw error;
  });
  const known: Known = told ?? (await untold(client, run));
  const started = run.startTime.toISOString();
  if (end !== undefined) return { ...known, ...concluded(known, end), started };

  const sweeps = await askAll<SweepProgress>(known.running);
  const cells = await askAll<CellProgress>(sweeps.flatMap(({ running }) => running).slice(0, SHOWN_CELLS));
  // What runs knows more than what it has told so far.
  const failed = Math.max(known.failed, ...sweeps.map((each) => each.failed));
  const paused = known.paused || (sweeps.length > 0 && sweeps.every((each) => each.paused));
  // Before it has looked what is done, a sweep knows less than the plan.
  const running = sweeps.flatMap(({ phase, model, total, done, failed: lost, skipped, notNeeded, methods }) => {
    return phase === "sampling" ? [] : [[model, { total, done, failed: lost, skipped, notNeeded, methods }] as const];
  });
  const models = { ...known.models, ...Object.fromEntries(running) };
  const notNeeded = Math.max(known.notNeeded ?? 0, ...sweeps.map((each) => each.notNeeded ?? 0));
  const view = { ...known, models, failed, notNeeded, paused, ended: false, cause: null, cells, started };
  return { ...view, secondsLeft: secondsLeft(view, sweeps, cells) };

  async function askAll<Progress>(workflowIds: readonly string[]): Promise<Progress[]> {
    const answers = await Promise.allSettled(workflowIds.map((id) => ask<Progress>(id)));
    // One that ended between two queries is left out.
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  }
}

async function untold(client: Client, run: WorkflowExecutionDescription): Promise<Known> {
  const count = (key: string) => Number(run.searchAttributes[key]?.[0] ?? 0);
  const [done, failed] = [count("TouchstoneDone"), count("TouchstoneFailed")];
  const total = countCells(await parsedSpec(client, run.workflowId));
  const nothing = { paused: false, models: {}, cancelled: [], running: [], report: null };
  return { ...nothing, phase: "waiting", total, done, failed, skipped: 0 };
}

/** A run that has ended knows its counts best. */
function concluded(known: Known, { phase, failure, summary }: StudyEnd) {
  const { cells: done = known.done, failed = known.failed, skipped = known.skipped, report = known.report } = summary;
  const { notNeeded = known.notNeeded } = summary;
  const cause = failure === null ? null : `${failure.type}: ${failure.message}`;
  return {
    phase,
    ended: true,
    cause,
    done,
    failed,
    skipped,
    notNeeded,
    report,
    running: [],
    cells: [],
    secondsLeft: null,
  };
}
