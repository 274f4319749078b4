import { createProcessState } from "../activities/process-state.js";
import { steps } from "../activities/steps.js";
import { loadBackend } from "../tensor/backend.js";
import type { Request, Response } from "./protocol.js";
import { asFailure } from "./step-errors.js";

/** Entry of a compute process: owns one TensorFlow runtime and runs the steps that its worker sends. */

const state = createProcessState();
const running = new Map<number, AbortController>();

// The worker decides when this process ends: a Ctrl-C in the terminal goes to both.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));
process.on("message", (request: Request) => {
  if (request.kind === "abort") running.get(request.id)?.abort();
  else if (request.kind === "run") void run(request);
  else void leave();
});

await loadBackend();
send({ kind: "ready" });

async function run({ id, step, input }: Extract<Request, { kind: "run" }>): Promise<void> {
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const execute = steps[step] as (input: unknown, context: Parameters<(typeof steps)[typeof step]>[1]) => unknown;
    const result = await execute(input, {
      state,
      signal: controller.signal,
      report: (progress) => send({ kind: "progress", id, progress }),
    });
    send({ kind: "done", id, result });
  } catch (error) {
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
