import { setTimeout as sleep } from "node:timers/promises";
import { ApplicationFailure, activityInfo, CancelledFailure, Context } from "@temporalio/activity";
import { measure } from "../storage/measure.js";
import { type ErrorType, TouchstoneError } from "../study/errors.js";
import { redacted } from "../study/secrets.js";
import type { StepProgress } from "./step.js";
import { stepPlace } from "./step-place.js";
import type { Activities, Placed, StepName } from "./steps.js";

/** Runs steps somewhere else: in compute processes, so that TensorFlow's synchronous calls never hold up heartbeats. */
export interface StepRunner {
  /** @throws TouchstoneError as the step did, ComputeCrashed or OutOfMemory when its process died */
  run(step: StepName, input: unknown, options: RunOptions): Promise<unknown>;
}

export interface RunOptions {
  /** Steps of one name go to one process, which has in memory what the step before it left. Only a matter of speed. */
  affinity?: string;
  signal: AbortSignal;
  onProgress(progress: StepProgress): void;
}

const PUMP_MS = 2000;
const STORE_PATIENCE_MS = 30 * 60_000;
const STORE_PAUSE_MS = 5000;

/**
 * The activities of the given names; each hands its step to the runner.
 * @param placed what results say of where they were computed
 */
export function delegatedActivities(
  names: readonly StepName[],
  runner: StepRunner,
  placed?: Required<Placed>,
): Partial<Activities> {
  const run = async (name: StepName, input: unknown) => {
    const result = await delegate(name, input, runner);
    return placed === undefined ? result : { ...(result as object), ...placed };
  };
  return Object.fromEntries(names.map((name) => [name, (input: unknown) => run(name, input)]));
}

/**
 * Heartbeats go on while the step does. A hung step is ended by its runner, so that this pump can't hide it. A store that
 * doesn't answer is waited for here: its outages are longer than the retries of a policy.
 */
async function delegate(step: StepName, input: unknown, runner: StepRunner): Promise<unknown> {
  const context = Context.current();
  let latest: StepProgress = { stage: "waiting for a compute process", done: 0, total: 0 };
  // Steps shorter than that need none: each is a request, and a write of the server.
  const pump = setInterval(() => context.heartbeat(latest), PUMP_MS);
  const onProgress = (progress: StepProgress) => {
    latest = progress;
  };
  const deadline = Date.now() + STORE_PATIENCE_MS;
  try {
    for (;;) {
      try {
        return await runner.run(step, input, {
          affinity: affinityOf(input),
          signal: context.cancellationSignal,
          onProgress,
        });
      } catch (error) {
        const isAway = error instanceof TouchstoneError && error.type === "StorageUnavailable";
        if (!isAway || Date.now() > deadline) throw error;
        context.log.warn("waiting for the object store", { step, problem: error.message });
        latest = { stage: "waiting for the object store", done: 0, total: 0 };
        await sleep(STORE_PAUSE_MS, undefined, { signal: context.cancellationSignal });
        measure("touchstone_store_wait_seconds", STORE_PAUSE_MS / 1000);
      }
    }
  } catch (error) {
    throw context.cancellationSignal.aborted ? new CancelledFailure(`${step} was cancelled`) : asFailure(error);
  } finally {
    clearInterval(pump);
  }
}

/** Steps of one cell belong together. */
function affinityOf(input: unknown): string | undefined {
  const { study, cell } = stepPlace(input);
  return cell === undefined ? undefined : `${study}/${cell}`;
}

/** Failures keep their names; those that another attempt can't heal aren't retried. */
function asFailure(error: unknown): ApplicationFailure {
  if (!(error instanceof TouchstoneError)) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const details = [redacted(stack ?? "")];
    return ApplicationFailure.create({ type: "Error", message: redacted(message), nonRetryable: true, details });
  }
  const { type, message, retryable } = error;
  const nonRetryable = !retryable || exhausted(type);
  return ApplicationFailure.create({ type, message, nonRetryable });
}

/** A process that dies of the same input again and again would do so for ever. */
function exhausted(type: ErrorType): boolean {
  return (type === "OutOfMemory" || type === "ComputeCrashed") && activityInfo().attempt >= 4;
}
