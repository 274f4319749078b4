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
  /** Begins, unless another result waits to be taken. */
  begin(key: string, compute: (listener: Listener) => Promise<Result | undefined>): void;
  /** The result, which is the caller's own from then on; undefined where there is none. */
  take(key: string, listener: Listener): Promise<Result | undefined>;
}

/** A result that nobody has asked for in this time is of a study that was paused, was cancelled, or goes on elsewhere. */
const PATIENCE_MS = 60_000;

interface Waiting<Result> {
  key: string;
  begun: number;
  controller: AbortController;
  /** Of the step that waits for the result. */
  report: (progress: StepProgress) => void;
  result: Promise<Result | undefined>;
}

export function createAhead<Result>(dispose: (result: Result) => void): Ahead<Result> {
  let waiting: Waiting<Result> | undefined;
  return {
    begin: (key, compute) => {
      if (waiting !== undefined) {
        if (Date.now() - waiting.begun < PATIENCE_MS) return;
        drop(waiting, dispose);
      }
      const controller = new AbortController();
      const listener: Listener = { signal: controller.signal, report: (progress) => begun.report(progress) };
      const result = Promise.resolve().then(() => compute(listener));
      const begun: Waiting<Result> = {
        ...{ key, controller, begun: Date.now(), report: () => {} },
        result: result.catch(() => undefined),
      };
      waiting = begun;
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
  };
}

function drop<Result>({ controller, result }: Waiting<Result>, dispose: (result: Result) => void): void {
  controller.abort();
  void result.then((done) => {
    if (done !== undefined) dispose(done);
  });
}
