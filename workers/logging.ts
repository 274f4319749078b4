import { DefaultLogger, type LogEntry, type Logger } from "@temporalio/worker";
import { type Bindings, type Logger as ProcessLog, pino } from "pino";
import { redacted } from "../study/secrets.js";

/** One JSON line a message on standard error; every line has the bindings. */
export function processLog(bindings?: Bindings): ProcessLog {
  const level = process.env.TOUCHSTONE_LOG ?? "info";
  const options = { level, base: bindings, timestamp: pino.stdTimeFunctions.isoTime, hooks: { streamWrite: redacted } };
  // What a full disk doesn't take is lost: a process must not end, or hang, for its log.
  process.stderr.off("error", ignored).on("error", ignored);
  return pino(options, process.stderr);
}

function ignored(): void {}

/** The same for Temporal's messages, with the ids that it knows. */
export function temporalLogger(): Logger {
  const log = processLog();
  return new DefaultLogger("INFO", ({ level, message, meta }: LogEntry) => {
    log[level.toLowerCase() as "info"](fieldsOf((meta ?? {}) as Record<string, unknown>), message);
  });
}

/** Of all that a message carries, what people look for. */
function fieldsOf({ problem, error, ...meta }: Record<string, unknown>) {
  const { workflowType, workflowId, activityType, attempt, taskQueue, step, study, cell, block, evaluation } = meta;
  const ids = { workflowType, workflowId, activityType, attempt, taskQueue };
  const cause = error instanceof Error ? `${error.name}: ${error.message}` : problem;
  return { ...ids, study, cell, block, evaluation, step, problem: cause };
}
