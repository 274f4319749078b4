import {
  allHandlersFinished,
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import { cellName, cellWorkflowId } from "../study/names.js";
import type { PlannedSweep, StudyRef } from "../study/plan.js";
import type { MethodCounts, SweepCounts, SweepProgress } from "../study/progress.js";
import type { CellCoordinates } from "../study/results.js";
import { attributes, cellAttributes } from "./attributes.js";
import { cell } from "./cell.js";
import { onceFree } from "./children.js";
import { sweepDetails } from "./details.js";
import { asRootFailure, rootFailure } from "./failures.js";
import { pausedSignal, retryFailedSignal, sweepCountsSignal, sweepProgressQuery } from "./messages.js";
import { dataSteps } from "./proxies.js";

export interface SweepInput {
  study: StudyRef;
  model: string;
  sources: readonly string[];
  /** Cells that run at a time. */
  window: number;
  paused: boolean;
  /** Cells that failed in earlier runs of this sweep, before it continued as new. */
  failed: readonly CellCoordinates[];
}

/** The parent hears of progress this many times at most: every signal adds to its history. */
const SIGNALS = 50;

/** All cells of one model, some at a time. A cell that fails is recorded and stops no other. */
export async function sweep(input: SweepInput): Promise<SweepCounts> {
  const { study, model, window } = input;
  const running = new Map<string, ChildWorkflowHandle<typeof cell>>();
  const queue: CellCoordinates[] = [];
  let failed = [...input.failed];
  let paused = input.paused;
  let counts = { total: 0, done: 0 };
  const methods: Record<string, MethodCounts> = {};
  let phase: SweepProgress["phase"] = "sampling";
  let started = Date.now();
  let finishedHere = 0;
  let lastFailure: string | undefined;

  const current = (): SweepCounts => ({ ...counts, failed: failed.length, methods });
  const show = () => setCurrentDetails(sweepDetails(paused ? "paused" : phase, current(), lastFailure));
  setHandler(sweepProgressQuery, () => ({
    ...current(),
    model,
    phase,
    paused,
    running: [...running.keys()],
    measured: { cells: finishedHere, since: started },
  }));
  setHandler(pausedSignal, async (value) => {
    paused = value;
    show();
    await Promise.all([...running.values()].map((child) => child.signal(pausedSignal, value).catch(ended)));
  });
  setHandler(retryFailedSignal, () => {
    queue.push(...failed);
    failed = [];
    for (const each of Object.values(methods)) each.failed = 0;
  });

  const planned = await prepare(input);
  counts = { total: planned.total, done: planned.total - planned.pending.length };
  for (const [label, each] of Object.entries(planned.methods)) methods[label] = { ...each, failed: 0, running: 0 };
  for (const { methodLabel } of failed) methods[methodLabel].failed++;
  const failedNames = new Set(failed.map(cellName));
  queue.push(...planned.pending.filter((each) => !failedNames.has(cellName(each))));
  phase = "running";
  started = Date.now();
  await tell();

  const idle = () => running.size === 0 && queue.length === 0;
  const ready = () => !paused && running.size < window && queue.length > 0;
  for (;;) {
    await condition(() => idle() || ready());
    const next = workflowInfo().continueAsNewSuggested ? undefined : queue.shift();
    if (next === undefined) break;
    await run(next);
  }
  await condition(() => running.size === 0 && allHandlersFinished());
  if (queue.length > 0) await continueAsNew<typeof sweep>({ ...input, paused, failed });
  phase = "done";
  show();
  return current();

  async function run(coordinates: CellCoordinates): Promise<void> {
    const workflowId = cellWorkflowId(study.name, coordinates);
    const { blocks, evaluations } = planned;
    const child = await onceFree(() =>
      startChild(cell, {
        workflowId,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [{ study, cell: coordinates, blocks, evaluations, paused }],
        typedSearchAttributes: cellAttributes(study.name, coordinates),
        staticSummary: cellName(coordinates),
      }),
    );
    running.set(workflowId, child);
    methods[coordinates.methodLabel].running++;
    show();
    void settle(coordinates, child).finally(() => running.delete(workflowId));
  }

  /** Never rejects: when the sweep itself is cancelled, its own waits throw. */
  async function settle(coordinates: CellCoordinates, child: ChildWorkflowHandle<typeof cell>): Promise<void> {
    const method = methods[coordinates.methodLabel];
    try {
      await child.result().finally(() => {
        method.running--;
      });
      counts.done++;
      method.done++;
      finishedHere++;
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) return;
      failed.push(coordinates);
      method.failed++;
      await record(coordinates, error);
    }
    show();
    const step = Math.ceil(counts.total / SIGNALS);
    if ((counts.done + failed.length) % step === 0) await tell();
  }

  async function record(coordinates: CellCoordinates, error: unknown): Promise<void> {
    const { type, message } = rootFailure(error);
    lastFailure = `${cellName(coordinates)}: ${type}: ${message}`;
    show();
    const failure = { ...coordinates, errorType: type, message };
    await dataSteps("record why the cell failed").recordFailure({ study, failure }).catch(ended);
  }

  async function tell(): Promise<void> {
    const { done, failed: lost } = current();
    upsertSearchAttributes(attributes({ TouchstoneDone: done, TouchstoneFailed: lost }));
    const parent = workflowInfo().parent;
    if (parent === undefined) return;
    await getExternalWorkflowHandle(parent.workflowId).signal(sweepCountsSignal, model, current()).catch(ended);
  }
}

/** Draws all calibration sets, and looks which cells are done. */
async function prepare({ study, model, sources }: SweepInput): Promise<PlannedSweep> {
  try {
    await Promise.all(
      sources.map((source) => dataSteps(`draw calibration sets from ${source}`).sampleSource({ study, model, source })),
    );
    return await dataSteps("look for finished cells").planSweep({ study, model });
  } catch (error) {
    throw isCancellation(error) ? error : asRootFailure(error);
  }
}

/** What is told to a workflow that has ended in the meantime is lost; and when this one is cancelled, its own waits throw. */
function ended(): void {}
