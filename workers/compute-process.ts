import { createProcessState } from "../activities/process-state.js";
import { stepPlace } from "../activities/step-place.js";
import { steps } from "../activities/steps.js";
import { onMeasurement } from "../storage/measure.js";
import { loadBackend } from "../tensor/backend.js";
import { processLog } from "./logging.js";
import type { Request, Response } from "./protocol.js";
import { asFailure } from "./step-errors.js";
import { measureVitals } from "./vitals.js";

/** Entry of a compute process: owns one TensorFlow runtime and runs the steps that its worker sends. */

const state = createProcessState();
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

onMeasurement((measurement) => send({ kind: "measured", measurement }));
measureVitals();
const { kind: backend } = await loadBackend();
send({ kind: "ready", backend });

async function run({ id, step, input }: Extract<Request, { kind: "run" }>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  const about = { step, ...stepPlace(input) };
  const started = performance.now();
  try {
    const execute = steps[step] as (input: unknown, context: Parameters<(typeof steps)[typeof step]>[1]) => unknown;
    const result = await execute(input, {
      state,
      signal: controller.signal,
      report: (progress) => send({ kind: "progress", id, progress }),
    });
    send({ kind: "done", id, result });
    log.info({ ...about, seconds: Math.round(performance.now() - started) / 1000 }, "step done");
  } catch (error) {
    if (controller.signal.aborted) log.info(about, "step given up");
    else log.warn({ ...about, problem: error instanceof Error ? error.message : String(error) }, "step failed");
    send({ kind: "failed", id, failure: asFailure(error) });
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

function send(response: Response): void {
  process.send?.(response);
}
