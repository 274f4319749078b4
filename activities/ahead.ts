import type { StepProgress } from "./step-progress.js";

/** The step that a result is for, as far as there is one already. */
export interface Listener {
  signal: AbortSignal;
  report(progress: StepProgress): void;
}

/**
 * What a process computes before it is asked for, while it would only wait for the store and for its next step. Nothing
 * depends on it: what is never asked for is dropped, and what fails is computed, and fails, when it is asked for.
 */
export interface Ahead<Result> {
  /**
   * Begins, unless another result waits to be taken.
   * @param step that in which it begins: where it fails or is cancelled the result is dropped, and some time after its end too
   */
  begin(key: string, step: Promise<unknown>, compute: (listener: Listener) => Promise<Result | undefined>): void;
  /** The result, which is the caller's own from then on; undefined where there is none. */
  take(key: string, listener: Listener): Promise<Result | undefined>;
  /** Gives up what waits to be taken; resolves when it is given up. */
  drop(): Promise<void>;
}

/** The next step comes within a second of the last one's end, or its study was paused, was cancelled, or goes on elsewhere. */
const PATIENCE_MS = 20_000;

interface Waiting<Result> {
  key: string;
  controller: AbortController;
  /** Of the step that waits for the result. */
  report: (progress: StepProgress) => void;
  result: Promise<Result | undefined>;
}

export function createAhead<Result>(dispose: (result: Result) => void): Ahead<Result> {
  let waiting: Waiting<Result> | undefined;
  const drop = async (dropped: Waiting<Result>) => {
    if (waiting !== dropped) return;
    waiting = undefined;
    dropped.controller.abort();
    const done = await dropped.result;
    if (done !== undefined) dispose(done);
  };
  return {
    begin: (key, step, compute) => {
      if (waiting !== undefined) return;
      const controller = new AbortController();
      const listener: Listener = { signal: controller.signal, report: (progress) => begun.report(progress) };
      const result = Promise.resolve().then(() => compute(listener));
      const begun: Waiting<Result> = { key, controller, report: () => {}, result: result.catch(() => undefined) };
      waiting = begun;
      step.then(
        () => setTimeout(() => void drop(begun), PATIENCE_MS).unref(),
        () => drop(begun),
      );
    },
    take: async (key, { signal, report }) => {
      if (waiting?.key !== key) return undefined;
      const { controller, result } = waiting;
      waiting.report = report;
      waiting = undefined;
      const abort = () => controller.abort();
      signal.addEventListener("abort", abort, { once: true });
      try {
        return await result;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
    drop: async () => {
      if (waiting !== undefined) await drop(waiting);
    },
  };
}
