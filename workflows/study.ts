import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  type ChildWorkflowHandle,
  ContinueAsNew,
  condition,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
} from "@temporalio/workflow";
import type { ReportedStudy } from "../activities/report-study.js";
import type { Control, Order } from "../study/controls.js";
import { sweepWorkflowId } from "../study/names.js";
import type { PlannedStudy } from "../study/plan.js";
import type { StudyProgress, StudySummary, SweepCounts } from "../study/progress.js";
import { attributes } from "./attributes.js";
import { onceFree } from "./children.js";
import { answerControls } from "./controls.js";
import { studyDetails } from "./details.js";
import { asRootFailure, rootFailure } from "./failures.js";
import { isLong } from "./history.js";
import { inOrder } from "./in-order.js";
import { controlSignal, reportUpdate, studyProgressQuery, sweepCountsSignal } from "./messages.js";
import { dataSteps, planningSteps } from "./proxies.js";
import { sweep } from "./sweep.js";

export interface StudyOptions {
  /** Compute skipped cells after all. */
  unskip?: boolean;
  /** Given by the study itself, where its history has become long. */
  from?: StudyPlace;
}

/** Where a study is that goes on as a new run. */
interface StudyPlace {
  planned: PlannedStudy;
  models: Readonly<Record<string, SweepCounts>>;
  /** Models whose sweeps are still to run. */
  left: readonly string[];
  /** Models whose sweep was cancelled. */
  cancelled: readonly string[];
  paused: boolean;
  /** Cells that run at a time, where somebody has set it. */
  window?: number;
  again: boolean;
}

/** What a sweep adds to the history: its start and end, and what it tells meanwhile. */
const EVENTS_A_SWEEP = 500;

/** Fairness keys have 64 bytes. */
const KEY_BYTES = 64;

/**
 * A calibration study: plans, runs one sweep a model, makes the report. The input is the study specification as plain JSON.
 * Starting it again under the same id resumes it: what is in the store is not computed again.
 * @throws ApplicationFailure named as the TouchstoneError that planning found, or StudyIncomplete where cells failed or a sweep was cancelled
 */
export async function study(specification: unknown, { unskip, from }: StudyOptions = {}): Promise<StudySummary> {
  const models: Record<string, SweepCounts> = { ...from?.models };
  const running = new Map<string, ChildWorkflowHandle<typeof sweep>>();
  const cancelled = new Set<string>(from?.cancelled);
  let phase: StudyProgress["phase"] = "planning";
  let paused = from?.paused ?? false;
  let window = from?.window;
  let again = from?.again ?? unskip ?? false;
  let planned = from?.planned;
  let report: string | null = null;

  const totals = () => {
    const sum = (key: "total" | "done" | "failed" | "skipped" | "notNeeded") =>
      Object.values(models).reduce((total, counts) => total + (counts[key] ?? 0), 0);
    const counts = { total: sum("total"), done: sum("done"), failed: sum("failed"), skipped: sum("skipped") };
    return sum("notNeeded") === 0 ? counts : { ...counts, notNeeded: sum("notNeeded") };
  };
  const show = () => {
    const { done, failed } = totals();
    setCurrentDetails(studyDetails(paused ? "paused" : phase, totals(), models, [...cancelled]));
    upsertSearchAttributes(attributes({ TouchstoneDone: done, TouchstoneFailed: failed }));
  };
  const toSweeps = inOrder(async (control: Control) => {
    // One that ends meanwhile needs to know nothing.
    await Promise.all([...running.values()].map((child) => child.signal(controlSignal, control).catch(() => {})));
  });
  const obey = async (control: Order) => {
    if (control.kind === "setConcurrency") window = control.cells;
    if (control.kind === "pause" || control.kind === "resume") paused = control.kind === "pause";
    await toSweeps.send(control);
    show();
  };
  const retry = async () => {
    const { failed, skipped } = totals();
    again = planned === undefined || failed + skipped > 0;
    if (planned !== undefined) await takeBack(planned);
    await toSweeps.send({ kind: "retryFailed" });
    return failed + skipped;
  };
  setHandler(studyProgressQuery, () => {
    return { ...totals(), phase, paused, models, cancelled: [...cancelled], running: [...running.keys()], report };
  });
  answerControls({
    study: () => planned?.study,
    models: () => planned?.models.map(({ id }) => id) ?? [],
    obey,
    retry,
  });
  setHandler(reportUpdate, async () => {
    await condition(() => planned !== undefined);
    return (await makeReport(planned as PlannedStudy)).report;
  });
  setHandler(sweepCountsSignal, (model, counts) => {
    models[model] = counts;
    show();
  });

  try {
    if (planned === undefined) {
      planned = await plan();
      const isAsked = again;
      again = false;
      if (isAsked) await takeBack(planned);
    }
    phase = "running";
    let left = from?.left ?? planned.models.map(({ id }) => id);
    for (;;) {
      for (; left.length > 0; left = left.slice(1)) {
        if (isLong(EVENTS_A_SWEEP)) await goOnAnew(planned, left);
        if (!cancelled.has(left[0])) await runSweep(planned, left[0]);
      }
      const { failed, skipped } = totals();
      if (!again || failed + skipped === 0) break;
      again = false;
      left = planned.models.map(({ id }) => id);
    }
    phase = "reporting";
    show();
    const reported = await makeReport(planned);
    phase = "done";
    show();
    await condition(allHandlersFinished);
    return conclude(planned.study.name, reported, [...cancelled]);
  } catch (error) {
    throw isCancellation(error) || error instanceof ApplicationFailure || error instanceof ContinueAsNew
      ? error
      : asRootFailure(error);
  }

  async function plan(): Promise<PlannedStudy> {
    const steps = planningSteps(specification, "check the specification and what it points to");
    const found = await steps.planStudy(specification);
    for (const { id, cells } of found.models) {
      models[id] = { total: cells, done: 0, failed: 0, skipped: 0, methods: {} };
    }
    upsertSearchAttributes(attributes({ TouchstoneStudy: found.study.name }));
    return found;
  }

  async function goOnAnew(found: PlannedStudy, left: readonly string[]): Promise<void> {
    await condition(allHandlersFinished);
    const from = { planned: found, models, left, cancelled: [...cancelled], paused, window, again };
    await continueAsNew<typeof study>(specification, { from });
  }

  async function makeReport({ study: ref }: PlannedStudy): Promise<ReportedStudy> {
    const made = await dataSteps("make the report").reportStudy({ study: ref, cancelled: [...cancelled] });
    report = made.report;
    return made;
  }

  /** Of the models whose sweep doesn't run; a sweep that does takes back its own. */
  async function takeBack({ study: ref, models: all }: PlannedStudy): Promise<void> {
    const ids = all.map(({ id }) => id).filter((id) => !running.has(sweepWorkflowId(ref.name, id)));
    await dataSteps("take back what was skipped").unskipCells({ study: ref, models: ids });
  }

  async function runSweep(plan: PlannedStudy, model: string): Promise<void> {
    const { study: ref, sources, device, priority } = plan;
    const workflowId = sweepWorkflowId(ref.name, model);
    const child = await onceFree(() =>
      startChild(sweep, {
        workflowId,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [{ study: ref, model, sources, device, window: window ?? plan.window, paused }],
        // A worker that hasn't the sweep in memory replays thousands of events in a task.
        workflowTaskTimeout: "30s",
        priority: { priorityKey: priority, fairnessKey: ref.name.slice(0, KEY_BYTES) },
        typedSearchAttributes: attributes({ TouchstoneStudy: ref.name, TouchstoneModel: model }),
        staticSummary: `all cells of ${model}`,
      }),
    );
    running.set(workflowId, child);
    try {
      models[model] = await child.result();
    } catch (error) {
      const isOwn = CancellationScope.current().consideredCancelled;
      if (isOwn || rootFailure(error).type !== "Cancelled") throw error;
      cancelled.add(model);
    } finally {
      running.delete(workflowId);
    }
    show();
  }
}

function conclude(name: string, reported: ReportedStudy, cancelled: readonly string[]): StudySummary {
  const { report, cells, failed, skipped, notNeeded, summary } = reported;
  const spared = notNeeded === undefined ? {} : { notNeeded };
  const missing = [
    ...(failed > 0 ? [`${failed} of ${cells + failed + skipped} cells failed; the report says why`] : []),
    ...(cancelled.length > 0 ? [`cancelled: ${cancelled.join(", ")}`] : []),
  ];
  if (missing.length === 0) return { name, cells, failed, skipped, ...spared, report, summary };
  throw ApplicationFailure.create({
    type: "StudyIncomplete",
    nonRetryable: true,
    message: `${missing.join("; ")}. Start the study again to go on: what is done is kept.`,
    details: [{ name, cells, failed, skipped, ...spared, report, cancelled }],
  });
}
