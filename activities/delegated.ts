import { setTimeout as sleep } from "node:timers/promises";
import { ApplicationFailure, CancelledFailure, Context } from "@temporalio/activity";
import { measure } from "../storage/measure.js";
import { type ErrorType, internalError, TouchstoneError } from "../study/errors.js";
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
  /** Of a step that fails, told before: the last lines that its process has written. */
  onLog?(lines: readonly string[]): void;
}

const PUMP_MS = 2000;
const PATIENCE_MS = 30 * 60_000;
const PAUSE_MS = 5000;
const STACK_LINES = 6;

/** What goes by without this step, in more time than the retries of a policy have: it is waited for here, and heartbeats say so. */
const AWAITED: Partial<Record<ErrorType, string>> = {
  StorageUnavailable: "waiting for the object store",
  DiskFull: "waiting for space on the disk",
};

/** A process that dies of the same input again and again would do so for ever. */
const MOST_CRASHES = 4;

/** Results are references and figures. Temporal takes 2 MiB, and tries again what gives more. */
const MOST_RESULT_BYTES = 1 << 20;
/** What else a message has is in the worker's log. */
const MOST_MESSAGE = 4000;

/** What a heartbeat says; the next attempt is given the last one. */
interface Heartbeat extends StepProgress {
  /** Compute processes that died of this activity, in all its attempts. */
  crashes: number;
}

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
 * Heartbeats go on while the step does. A hung step is ended by its runner, so that this pump can't hide it. Attempts that ended
 * otherwise than by a crash don't count as one: workers come and go.
 */
async function delegate(step: StepName, input: unknown, runner: StepRunner): Promise<unknown> {
  const context = Context.current();
  const before: Partial<Heartbeat> | undefined = context.info.heartbeatDetails;
  let latest: Heartbeat = {
    ...{ stage: "waiting for a compute process", done: 0, total: 0 },
    crashes: before?.crashes ?? 0,
  };
  const show = (progress: StepProgress) => {
    latest = { ...progress, crashes: latest.crashes };
  };
  // Steps shorter than that need none: each is a request, and a write of the server.
  const pump = setInterval(() => context.heartbeat(latest), PUMP_MS);
  let log: readonly string[] = [];
  const onLog = (lines: readonly string[]) => {
    log = lines;
  };
  const deadline = performance.now() + PATIENCE_MS;
  const signal = context.cancellationSignal;
  const options = { affinity: affinityOf(input), signal, onProgress: show, onLog };
  try {
    for (;;) {
      try {
        return checkedSize(step, await runner.run(step, input, options));
      } catch (error) {
        const stage = error instanceof TouchstoneError ? AWAITED[error.type] : undefined;
        if (stage === undefined || performance.now() > deadline) throw error;
        context.log.warn(stage, { step, problem: error instanceof Error ? error.message : undefined });
        show({ stage, done: 0, total: 0 });
        await sleep(PAUSE_MS, undefined, { signal });
        measure("touchstone_store_wait_seconds", PAUSE_MS / 1000);
      }
    }
  } catch (error) {
    if (signal.aborted) throw new CancelledFailure(`${step} was cancelled`);
    if (isCrash(error)) context.heartbeat({ ...latest, crashes: ++latest.crashes });
    const isExhausted = isCrash(error) && latest.crashes >= MOST_CRASHES;
    throw asFailure(error, log, isExhausted);
  } finally {
    clearInterval(pump);
  }
}

function checkedSize(step: StepName, result: unknown): unknown {
  const size = Buffer.byteLength(JSON.stringify(result) ?? "");
  if (size <= MOST_RESULT_BYTES) return result;
  throw new TouchstoneError("ResultTooLarge", {
    what: `The step's result has ${size} bytes, and may have ${MOST_RESULT_BYTES}: results of steps are references and figures`,
    where: step,
    todo: "Divide the study into smaller ones, and report this.",
  });
}

/** Steps of one cell belong together. */
function affinityOf(input: unknown): string | undefined {
  const { study, cell } = stepPlace(input);
  return cell === undefined ? undefined : `${study}/${cell}`;
}

/**
 * Failures keep their names, and have the last lines with them; those that another attempt can't heal aren't retried.
 * @param isExhausted it has had its attempts
 */
function asFailure(error: unknown, lines: readonly string[], isExhausted: boolean): ApplicationFailure {
  const isNamed = error instanceof TouchstoneError;
  const { type, message, retryable } = isNamed ? error : internalError(error);
  const stack = isNamed || !(error instanceof Error) ? "" : cut(redacted(error.stack ?? ""));
  const log = [...lines, ...stack.split("\n", STACK_LINES).filter((line) => line !== "")];
  return ApplicationFailure.create({
    ...{ type, message: cut(message), nonRetryable: !retryable || isExhausted },
    details: [{ origin: { log } }],
  });
}

function isCrash(error: unknown): boolean {
  return error instanceof TouchstoneError && (error.type === "OutOfMemory" || error.type === "ComputeCrashed");
}

function cut(text: string): string {
  return text.length <= MOST_MESSAGE ? text : `${text.slice(0, MOST_MESSAGE)} ...`;
}
