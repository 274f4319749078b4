import {
  allHandlersFinished,
  CancellationScope,
  type ChildWorkflowHandle,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from "@temporalio/workflow";
import { cellName, cellWorkflowId, type Device } from "../study/names.js";
import type { StudyRef, SweepPage } from "../study/plan.js";
import type { MethodCounts, SweepCounts, SweepProgress } from "../study/progress.js";
import type { CellCoordinates } from "../study/results.js";
import { attributes, cellAttributes } from "./attributes.js";
import { cell } from "./cell.js";
import { onceFree } from "./children.js";
import { sweepDetails } from "./details.js";
import { orNamed, rootFailure } from "./failures.js";
import { isLong } from "./history.js";
import { pausedSignal, retryFailedSignal, sweepCountsSignal, sweepProgressQuery } from "./messages.js";
import { dataSteps } from "./proxies.js";

export interface SweepInput {
  study: StudyRef;
  model: string;
  sources: readonly string[];
  /** What the study's backend computes on. */
  device: Device;
  /** Cells that run at a time. */
  window: number;
  paused: boolean;
  /** Where the run before this one has left off; the beginning, where there was none. */
  from?: SweepPlace;
}

/** How far a sweep is: as large for many cells as for few. Between runs of a sweep no cell runs. */
interface SweepPlace {
  total: number;
  /** Index of the first cell that was neither started nor found done. */
  next: number;
  /** Index from which failed cells are tried again; null where none are. */
  retry: number | null;
  /** Index up to which cells that were found done have been counted. */
  counted: number;
  /** By the method's label. */
  methods: Record<string, MethodCounts>;
}

type PlacedCell = SweepPage["cells"][number];

/** The parent hears of progress this many times at most: every signal adds to its history. */
const SIGNALS = 50;

/** What a running cell may still add to the history: its end, and the record of its failure. */
const EVENTS_A_CELL = 10;

/** All cells of one model, some at a time. A cell that fails is recorded and stops no other. */
export async function sweep(input: SweepInput): Promise<SweepCounts> {
  const { study, model, device, window } = input;
  const running = new Map<string, ChildWorkflowHandle<typeof cell>>();
  const place: SweepPlace = input.from ?? { total: 0, next: 0, retry: null, counted: 0, methods: {} };
  let page: SweepPage | undefined;
  /** Cells of the page that were not started yet. */
  let queue: PlacedCell[] = [];
  let retryAsked = false;
  let paused = input.paused;
  let phase: SweepProgress["phase"] = "sampling";
  let started = Date.now();
  let finishedHere = 0;
  let lastFailure: string | undefined;

  const current = (): SweepCounts => {
    const { total, methods } = place;
    const sum = (key: "done" | "failed") => Object.values(methods).reduce((all, each) => all + each[key], 0);
    return { total, done: sum("done"), failed: sum("failed"), methods };
  };
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
    retryAsked = true;
  });

  if (input.from === undefined) await orNamed(() => drawSets(input));
  await orNamed(fetchPage);
  phase = "running";
  started = Date.now();
  if (input.from === undefined) await tell();

  const isMore = () => retryAsked || place.retry !== null || place.next < place.total;
  const isIdle = () => running.size === 0 && !isMore();
  const isReady = () => !paused && running.size < window && isMore();
  for (;;) {
    await condition(() => isIdle() || isReady());
    if (isIdle() || isLong(EVENTS_A_CELL * running.size)) break;
    const next = retryAsked ? undefined : queue.shift();
    if (next === undefined) await orNamed(fetchPage);
    else await run(next);
  }
  // A child would not survive its parent's continuing as new: the window is drained.
  await condition(() => running.size === 0 && allHandlersFinished());
  if (isMore()) {
    const retry = retryAsked ? 0 : place.retry;
    await continueAsNew<typeof sweep>({ ...input, paused, from: { ...place, retry } });
  }
  phase = "done";
  show();
  return current();

  /** The next cells, first those to be tried again. What was not started of the page before is in a later one. */
  async function fetchPage(): Promise<void> {
    if (retryAsked) place.retry = 0;
    retryAsked = false;
    const before = new Set(running.keys());
    const { retry, next } = place;
    const range =
      retry === null ? { state: "pending" as const, from: next } : { state: "failed" as const, from: retry, to: next };
    const { counted } = place;
    page = await dataSteps("look for cells to do").planSweep({ study, model, counted, ...range });
    place.total = page.total;
    for (const [label, total] of Object.entries(page.methods)) {
      place.methods[label] ??= { total, done: 0, failed: 0, running: 0 };
      place.methods[label].done += page.done[label] ?? 0;
    }
    if (page.state === "pending") place.counted = Math.max(counted, page.next ?? page.total);
    queue = page.cells.filter((each) => !before.has(cellWorkflowId(study.name, each.cell)));
    pass(page);
  }

  /** Moves the place to the next cell of the page: what is before it was started, or found done. */
  function pass({ state, next }: SweepPage): void {
    const index = queue[0]?.index ?? next;
    if (state === "failed") place.retry = index;
    else place.next = index ?? place.total;
  }

  async function run({ cell: coordinates }: PlacedCell): Promise<void> {
    if (page === undefined) return;
    pass(page);
    const method = place.methods[coordinates.methodLabel];
    if (page.state === "failed") method.failed--;
    const workflowId = cellWorkflowId(study.name, coordinates);
    const { blocks, evaluations } = page;
    const child = await onceFree(() =>
      startChild(cell, {
        workflowId,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [{ study, cell: coordinates, blocks, evaluations, device, paused }],
        typedSearchAttributes: cellAttributes(study.name, coordinates),
        staticSummary: cellName(coordinates),
      }),
    );
    running.set(workflowId, child);
    method.running++;
    show();
    void settle(coordinates, child).then(async () => {
      running.delete(workflowId);
      method.running--;
      show();
      const { total, done, failed } = current();
      if ((done + failed) % Math.ceil(total / SIGNALS) === 0) await tell();
    });
  }

  /** Never rejects: when the sweep itself is cancelled, its own waits throw. */
  async function settle(coordinates: CellCoordinates, child: ChildWorkflowHandle<typeof cell>): Promise<void> {
    try {
      await child.result();
      place.methods[coordinates.methodLabel].done++;
      finishedHere++;
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) return;
      place.methods[coordinates.methodLabel].failed++;
      await record(coordinates, error);
    }
  }

  async function record(coordinates: CellCoordinates, error: unknown): Promise<void> {
    const { type, message } = rootFailure(error);
    lastFailure = `${cellName(coordinates)}: ${type}: ${message}`;
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

async function drawSets({ study, model, sources }: SweepInput): Promise<void> {
  const draw = (source: string) =>
    dataSteps(`draw calibration sets from ${source}`).sampleSource({ study, model, source });
  await Promise.all(sources.map(draw));
}

/** What is told to a workflow that has ended in the meantime is lost; and when this one is cancelled, its own waits throw. */
function ended(): void {}
