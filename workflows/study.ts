import {
  ApplicationFailure,
  allHandlersFinished,
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
import { sweepWorkflowId } from "../study/names.js";
import type { PlannedStudy } from "../study/plan.js";
import type { Counts, StudyProgress, StudySummary, SweepCounts } from "../study/progress.js";
import { attributes } from "./attributes.js";
import { onceFree } from "./children.js";
import { studyDetails } from "./details.js";
import { asRootFailure } from "./failures.js";
import { isLong } from "./history.js";
import {
  pausedSignal,
  pauseUpdate,
  reportUpdate,
  resumeUpdate,
  retryFailedSignal,
  retryFailedUpdate,
  studyProgressQuery,
  sweepCountsSignal,
} from "./messages.js";
import { dataSteps, planningSteps } from "./proxies.js";
import { sweep } from "./sweep.js";

/** Where a study is that goes on as a new run. */
interface StudyPlace {
  planned: PlannedStudy;
  models: Readonly<Record<string, SweepCounts>>;
  /** Models whose sweeps are still to run. */
  left: readonly string[];
  paused: boolean;
  retry: boolean;
}

/** What a sweep adds to the history: its start and end, and what it tells meanwhile. */
const EVENTS_A_SWEEP = 500;

/** Fairness keys have 64 bytes. */
const KEY_BYTES = 64;

/**
 * A calibration study: plans, runs one sweep a model, makes the report. The input is the study specification as plain JSON.
 * Starting it again under the same id resumes it: what is in the store is not computed again.
 * @param from given by the study itself, where its history has become long
 * @throws ApplicationFailure named as the TouchstoneError that planning found, or StudyIncomplete where cells failed
 */
export async function study(specification: unknown, from?: StudyPlace): Promise<StudySummary> {
  const models: Record<string, SweepCounts> = { ...from?.models };
  const running = new Map<string, ChildWorkflowHandle<typeof sweep>>();
  let phase: StudyProgress["phase"] = "planning";
  let paused = from?.paused ?? false;
  let retry = from?.retry ?? false;
  let planned = from?.planned;
  let report: string | null = null;

  const totals = (): Counts => {
    const sum = (key: keyof Counts) => Object.values(models).reduce((total, counts) => total + counts[key], 0);
    return { total: sum("total"), done: sum("done"), failed: sum("failed") };
  };
  const setPaused = async (value: boolean) => {
    paused = value;
    await Promise.all([...running.values()].map((child) => child.signal(pausedSignal, value)));
    show();
  };
  const show = () => {
    const { done, failed } = totals();
    setCurrentDetails(studyDetails(paused ? "paused" : phase, totals(), models));
    upsertSearchAttributes(attributes({ TouchstoneDone: done, TouchstoneFailed: failed }));
  };
  setHandler(studyProgressQuery, () => ({ ...totals(), phase, paused, models, running: [...running.keys()], report }));
  setHandler(pauseUpdate, () => setPaused(true));
  setHandler(resumeUpdate, () => setPaused(false));
  setHandler(retryFailedUpdate, async () => {
    const { failed } = totals();
    retry = failed > 0;
    await Promise.all([...running.values()].map((child) => child.signal(retryFailedSignal)));
    return failed;
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
    planned ??= await plan();
    phase = "running";
    let left = from?.left ?? planned.models.map(({ id }) => id);
    for (;;) {
      for (; left.length > 0; left = left.slice(1)) {
        if (isLong(EVENTS_A_SWEEP)) await goOnAnew({ planned, models, left, paused, retry });
        await runSweep(planned, left[0]);
      }
      if (!retry || totals().failed === 0) break;
      retry = false;
      left = planned.models.map(({ id }) => id);
    }
    phase = "reporting";
    show();
    const reported = await makeReport(planned);
    phase = "done";
    show();
    await condition(allHandlersFinished);
    return conclude(planned.study.name, reported);
  } catch (error) {
    throw isCancellation(error) || error instanceof ApplicationFailure || error instanceof ContinueAsNew
      ? error
      : asRootFailure(error);
  }

  async function plan(): Promise<PlannedStudy> {
    const steps = planningSteps(specification, "check the specification and what it points to");
    const found = await steps.planStudy(specification);
    for (const { id, cells } of found.models) models[id] = { total: cells, done: 0, failed: 0, methods: {} };
    upsertSearchAttributes(attributes({ TouchstoneStudy: found.study.name }));
    return found;
  }

  async function goOnAnew(place: StudyPlace): Promise<void> {
    await condition(allHandlersFinished);
    await continueAsNew<typeof study>(specification, place);
  }

  async function makeReport({ study: ref }: PlannedStudy): Promise<ReportedStudy> {
    const made = await dataSteps("make the report").reportStudy({ study: ref });
    report = made.report;
    return made;
  }

  async function runSweep(
    { study: ref, sources, device, window, priority }: PlannedStudy,
    model: string,
  ): Promise<void> {
    const workflowId = sweepWorkflowId(ref.name, model);
    const child = await onceFree(() =>
      startChild(sweep, {
        workflowId,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [{ study: ref, model, sources, device, window, paused }],
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
    } finally {
      running.delete(workflowId);
    }
    show();
  }
}

function conclude(name: string, { report, cells, failed, summary }: ReportedStudy): StudySummary {
  if (failed === 0) return { name, cells, failed, report, summary };
  throw ApplicationFailure.create({
    type: "StudyIncomplete",
    nonRetryable: true,
    message: `${failed} of ${cells + failed} cells failed; the report says why. Start the study again to try them once more: what is done is kept.`,
    details: [{ name, cells, failed, report }],
  });
}
