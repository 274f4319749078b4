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
import type { Order, SkippedOrder } from "../study/controls.js";
import { cellName, cellWorkflowId, type Device, namedCellWorkflowId } from "../study/names.js";
import type { StudyRef, SweepPage } from "../study/plan.js";
import type { MethodCounts, SweepCounts, SweepProgress } from "../study/progress.js";
import type { CellCoordinates } from "../study/results.js";
import { attributes, cellAttributes } from "./attributes.js";
import { cell } from "./cell.js";
import { onceFree } from "./children.js";
import { answerControls } from "./controls.js";
import { sweepDetails } from "./details.js";
import { orNamed, rootFailure } from "./failures.js";
import { isLong } from "./history.js";
import { inOrder } from "./in-order.js";
import { controlSignal, pausedSignal, sweepCountsSignal, sweepProgressQuery } from "./messages.js";
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
  /** Cells that are to be left out, as the store said last. */
  skipped: number;
  /** Failed and skipped cells are to be tried as soon as can be. */
  retryAsked: boolean;
  /** By the method's label. */
  methods: Record<string, MethodCounts>;
}

const BEGINNING = { total: 0, next: 0, retry: null, counted: 0, skipped: 0, retryAsked: false };

type PlacedCell = SweepPage["cells"][number];

interface RunningCell {
  index: number;
  child: ChildWorkflowHandle<typeof cell>;
}

/** The parent hears of progress this many times at most: every signal adds to its history. */
const SIGNALS = 50;

/** What a running cell may still add to the history: its end, and the record of its failure. */
const EVENTS_A_CELL = 10;

/** All cells of one model, some at a time. A cell that fails is recorded and stops no other. */
export async function sweep(input: SweepInput): Promise<SweepCounts> {
  const { study, model, device } = input;
  const running = new Map<string, RunningCell>();
  const place: SweepPlace = input.from ?? { ...BEGINNING, methods: {} };
  let page: SweepPage | undefined;
  /** Cells of the page that were not started yet. */
  let queue: PlacedCell[] = [];
  let { paused, window } = input;
  /** Names of cells that this run was told to leave out: pages that were asked for before may still have them. */
  const skippedHere = new Set<string>();
  /** Workflow id of the cell that is being started. */
  let starting: string | undefined;
  let phase: SweepProgress["phase"] = "sampling";
  let started = Date.now();
  let finishedHere = 0;
  /** Cells of this run that have ended, and how many had when the page was asked for that waits for another to end. */
  let endedHere = 0;
  let waitsSince: number | undefined;
  let lastFailure: string | undefined;
  const toParent = inOrder(sendCounts);
  const toCells = inOrder(sendPaused);

  const current = (): SweepCounts => {
    const { total, skipped, methods } = place;
    const sum = (key: "done" | "failed" | "notNeeded") =>
      Object.values(methods).reduce((all, each) => all + (each[key] ?? 0), 0);
    const spared = sum("notNeeded");
    const counts = { total, done: sum("done"), failed: sum("failed"), skipped, methods };
    return spared === 0 ? counts : { ...counts, notNeeded: spared };
  };
  const show = () => {
    const state = `${paused ? "paused" : phase}, ${window} at a time`;
    setCurrentDetails(sweepDetails(state, current(), lastFailure));
  };
  setHandler(sweepProgressQuery, () => ({
    ...current(),
    model,
    phase,
    paused,
    running: [...running.keys()],
    measured: { cells: finishedHere, since: started },
  }));
  const isPlanned = () => phase !== "sampling";
  answerControls({ study: () => (isPlanned() ? study : undefined), models: () => [model], obey, retry });
  setHandler(controlSignal, async (control) => {
    if (control.kind === "retryFailed") await retry().catch(ended);
    else await obey(control);
  });

  if (input.from === undefined) await orNamed(() => drawSets(input));
  await orNamed(fetchPage);
  phase = "running";
  started = Date.now();
  if (input.from === undefined) await tell();

  const isMore = () => place.retryAsked || place.retry !== null || place.next < place.total;
  const isIdle = () => running.size === 0 && !isMore();
  const isWaiting = () => running.size > 0 && waitsSince === endedHere;
  const isReady = () => place.retryAsked || (!paused && running.size < window && isMore() && !isWaiting());
  for (;;) {
    await condition(() => isIdle() || isReady());
    if (isIdle() || isLong(EVENTS_A_CELL * running.size)) break;
    if (place.retryAsked) await orNamed(takeBack);
    else {
      const next = queue.shift();
      if (next === undefined) await orNamed(fetchPage);
      else await run(next);
    }
  }
  // A child would not survive its parent's continuing as new: the window is drained.
  await condition(() => running.size === 0 && toParent.isIdle() && allHandlersFinished());
  if (isMore()) await continueAsNew<typeof sweep>({ ...input, paused, window, from: place });
  phase = "done";
  show();
  return current();

  async function obey(order: Order): Promise<void> {
    if (order.kind === "setConcurrency") window = order.cells;
    else if (order.kind === "skipCell") await skip(order);
    else {
      paused = order.kind === "pause";
      await toCells.send([...running.values()]);
    }
    show();
    await tell();
  }

  async function skip({ cell: coordinates, index, failed, skipped }: SkippedOrder): Promise<void> {
    if (coordinates.model !== model) return;
    const name = cellName(coordinates);
    const workflowId = cellWorkflowId(study.name, coordinates);
    // Orders that are given together may come in any order.
    place.skipped = Math.max(place.skipped, skipped);
    skippedHere.add(name);
    queue = queue.filter((each) => each.index !== index);
    if (running.has(workflowId)) await cancelCell(workflowId);
    // A record of an earlier run's failure counts for nothing before this one has tried the cell.
    else if (failed && index < place.next && starting !== workflowId) place.methods[coordinates.methodLabel].failed--;
  }

  /** Asks for all that failed or is left out to be tried. Returns how many there are. */
  async function retry(): Promise<number> {
    await condition(isPlanned);
    place.retryAsked = true;
    const { failed, skipped } = current();
    return failed + skipped;
  }

  /** Between pages and starts: what is passed then doesn't change meanwhile. */
  async function takeBack(): Promise<void> {
    // A cell that was skipped while it ran may still be ending.
    await condition(() => [...skippedHere].every((name) => !running.has(namedCellWorkflowId(study.name, name))));
    const { next: passed } = place;
    const back = await dataSteps("take back what was skipped").unskipCells({ study, models: [model], passed });
    for (const [label, count] of Object.entries(back)) place.methods[label].failed += count;
    skippedHere.clear();
    Object.assign(place, { skipped: 0, retry: 0, retryAsked: false });
    queue = [];
    await tell();
  }

  /** The next cells, first those to be tried again. What was not started of the page before is in a later one. */
  async function fetchPage(): Promise<void> {
    const before = new Set(running.keys());
    const { retry, next } = place;
    const range =
      retry === null ? { state: "pending" as const, from: next } : { state: "failed" as const, from: retry, to: next };
    const { counted } = place;
    const told = skippedHere.size;
    const since = endedHere;
    const indexes = Array.from(running.values(), ({ index }) => index);
    const request = { study, model, counted, running: indexes, ...range };
    page = await dataSteps("look for cells to do").planSweep(request);
    place.total = page.total;
    // What was skipped meanwhile was counted with its order.
    if (skippedHere.size === told) place.skipped = page.skipped;
    for (const [label, total] of Object.entries(page.methods)) {
      place.methods[label] ??= { total, done: 0, failed: 0, running: 0 };
      place.methods[label].done += page.done[label] ?? 0;
      spare(label, page.notNeeded?.[label] ?? 0);
    }
    if (page.state === "pending") place.counted = Math.max(counted, page.next ?? page.total);
    const isOpen = (each: CellCoordinates) =>
      !before.has(cellWorkflowId(study.name, each)) && !skippedHere.has(cellName(each));
    queue = page.cells.filter((each) => isOpen(each.cell));
    waitsSince = page.waits && queue.length === 0 ? since : undefined;
    pass(page);
  }

  function spare(label: string, cells: number): void {
    const method = place.methods[label];
    if (cells !== 0) method.notNeeded = (method.notNeeded ?? 0) + cells;
  }

  /** Moves the place to the next cell of the page: what is before it was started, or found done. */
  function pass({ state, next }: SweepPage): void {
    const index = queue[0]?.index ?? next;
    if (state === "failed") place.retry = index;
    else place.next = index ?? place.total;
  }

  async function run({ cell: coordinates, index, reopened }: PlacedCell): Promise<void> {
    if (page === undefined) return;
    pass(page);
    const method = place.methods[coordinates.methodLabel];
    if (reopened) spare(coordinates.methodLabel, -1);
    else if (page.state === "failed") method.failed--;
    const workflowId = cellWorkflowId(study.name, coordinates);
    const { blocks, evaluations } = page;
    let wasPaused = paused;
    starting = workflowId;
    const child = await onceFree(() => {
      wasPaused = paused;
      return startChild(cell, {
        workflowId,
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [{ study, cell: coordinates, blocks, evaluations, device, paused }],
        typedSearchAttributes: cellAttributes(study.name, coordinates),
        staticSummary: cellName(coordinates),
      });
    });
    starting = undefined;
    running.set(workflowId, { index, child });
    method.running++;
    show();
    void settle(coordinates, child).then(async () => {
      running.delete(workflowId);
      endedHere++;
      method.running--;
      show();
      const { total, done, failed } = current();
      if ((done + failed) % Math.ceil(total / SIGNALS) === 0) await tell();
    });
    // What was asked while it was started.
    if (paused !== wasPaused) await toCells.send([{ index, child }]);
    if (skippedHere.has(cellName(coordinates))) await cancelCell(workflowId);
  }

  /** Never rejects: when the sweep itself is cancelled, its own waits throw. */
  async function settle(coordinates: CellCoordinates, child: ChildWorkflowHandle<typeof cell>): Promise<void> {
    try {
      await child.result();
      place.methods[coordinates.methodLabel].done++;
      finishedHere++;
      if (skippedHere.delete(cellName(coordinates))) place.skipped--;
    } catch (error) {
      if (CancellationScope.current().consideredCancelled || skippedHere.has(cellName(coordinates))) return;
      place.methods[coordinates.methodLabel].failed++;
      await record(coordinates, error);
    }
  }

  async function record(coordinates: CellCoordinates, error: unknown): Promise<void> {
    const { type: errorType, ...rest } = rootFailure(error);
    lastFailure = `${cellName(coordinates)}: ${errorType}: ${rest.message}`;
    const failure = { ...coordinates, errorType, ...rest };
    await dataSteps("record why the cell failed").recordFailure({ study, failure }).catch(ended);
  }

  async function tell(): Promise<void> {
    if (!isPlanned()) return;
    const { done, failed: lost } = current();
    upsertSearchAttributes(attributes({ TouchstoneDone: done, TouchstoneFailed: lost }));
    await toParent.send();
  }

  async function sendCounts(): Promise<void> {
    const parent = workflowInfo().parent;
    if (parent === undefined) return;
    await getExternalWorkflowHandle(parent.workflowId).signal(sweepCountsSignal, model, current()).catch(ended);
  }

  async function sendPaused(cells: readonly RunningCell[]): Promise<void> {
    await Promise.all(cells.map(({ child }) => child.signal(pausedSignal, paused).catch(ended)));
  }
}

async function drawSets({ study, model, sources }: SweepInput): Promise<void> {
  const draw = (source: string) =>
    dataSteps(`draw calibration sets from ${source}`).sampleSource({ study, model, source });
  await Promise.all(sources.map(draw));
}

async function cancelCell(workflowId: string): Promise<void> {
  await getExternalWorkflowHandle(workflowId).cancel().catch(ended);
}

/** What is told to a workflow that has ended in the meantime is lost; and when this one is cancelled, its own waits throw. */
function ended(): void {}
