import type { ProcessState } from "../activities/process-state.js";
import type { StepContext } from "../activities/step.js";
import { stepPlace } from "../activities/step-place.js";
import type { StepName } from "../activities/steps.js";
import { onMeasurement } from "../storage/measure.js";
import { waitsForStore } from "../storage/threaded-store.js";
import type { BackendKind } from "../tensor/backend.js";
import { processLog } from "./logging.js";
import type { Request, Response } from "./protocol.js";
import { asFailure } from "./step-errors.js";
import { measureVitals } from "./vitals.js";

/** How often a process that waits for the store says so. */
const SIGN_MS = 2000;

export interface ServedSteps {
  state: ProcessState;
  steps: Readonly<Record<StepName, (input: never, context: StepContext) => Promise<unknown>>>;
  /** Makes ready for them, and says what they are computed with. */
  begin(): Promise<BackendKind>;
}

/** Makes this process a compute process: runs the steps that its worker sends, and ends with it. */
export async function serveSteps({ state, steps, begin }: ServedSteps): Promise<void> {
  const running = new Map<number, AbortController>();
  const log = processLog({ computeProcess: process.pid });

  // The worker decides when this process ends: a Ctrl-C in the terminal goes to both.
  process.on("SIGINT", () => {});
  process.on("disconnect", () => process.exit(0));
  process.on("message", (request: Request) => {
    if (request.kind === "abort") running.get(request.id)?.abort();
    else if (request.kind === "run") void run(request);
    else void leave();
  });
  setInterval(() => {
    if (waitsForStore()) send({ kind: "waiting" });
  }, SIGN_MS).unref();
  onMeasurement((measurement) => send({ kind: "measured", measurement }));
  measureVitals();
  send({ kind: "ready", backend: await begin() });

  async function run({ id, step, input }: Extract<Request, { kind: "run" }>): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    const context: StepContext = {
      state,
      signal: controller.signal,
      report: (progress) => send({ kind: "progress", id, progress }),
    };
    const about = { step, ...stepPlace(input) };
    const started = performance.now();
    try {
      const result = await steps[step](input as never, context);
      send({ kind: "done", id, result, memory: process.memoryUsage.rss() });
      log.info({ ...about, seconds: Math.round(performance.now() - started) / 1000 }, "step done");
    } catch (error) {
      if (controller.signal.aborted) log.info(about, "step given up");
      else log.warn({ ...about, problem: error instanceof Error ? error.message : String(error) }, "step failed");
      send({ kind: "failed", id, failure: asFailure(error), memory: process.memoryUsage.rss() });
    } finally {
      running.delete(id);
    }
  }

  /** What is kept here is a matter of speed only: without it, others pass forward to where this process was. */
  async function leave(): Promise<void> {
    await state.ahead.drop();
    await state.activations.storeAll();
    send({ kind: "left" });
  }
}

function send(response: Response): void {
  process.send?.(response);
}
