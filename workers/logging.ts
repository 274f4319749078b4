import { DefaultLogger, type LogEntry, Runtime } from "@temporalio/worker";
import { pino } from "pino";

/** One JSON line a message on standard error, with the ids that Temporal knows. Call before any connection is made. */
export function installLogging(level = process.env.TOUCHSTONE_LOG ?? "info"): void {
  const log = pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
  const logger = new DefaultLogger("INFO", ({ level: severity, message, meta }: LogEntry) => {
    log[severity.toLowerCase() as "info"](fieldsOf((meta ?? {}) as Record<string, unknown>), message);
  });
  Runtime.install({
    logger,
    telemetryOptions: { logging: { forward: {}, filter: { core: "WARN", other: "ERROR" } } },
  });
}

/** Of all that a message carries, what people look for. */
function fieldsOf({
  workflowType,
  workflowId,
  activityType,
  attempt,
  taskQueue,
  step,
  problem,
  error,
}: Record<string, unknown>) {
  const cause = error instanceof Error ? `${error.name}: ${error.message}` : problem;
  return { workflowType, workflowId, activityType, attempt, taskQueue, step, problem: cause };
}
