import { systemError } from "../storage/system-error.js";
import { TouchstoneError } from "../study/errors.js";
import { redacted } from "../study/secrets.js";
import type { StepFailure } from "./protocol.js";

/** The error of steps whose compute process ended. */
export function crashed(pid: number | undefined, code: number | null, signal: NodeJS.Signals | null): TouchstoneError {
  const where = `compute process ${pid}`;
  if (signal === "SIGKILL") {
    return new TouchstoneError("ComputeCrashed", {
      what: "The compute process was killed, as the system does when memory runs out",
      where,
      todo: "If it happens again, give the worker fewer slots, or a larger machine.",
    });
  }
  return new TouchstoneError("ComputeCrashed", { what: `The compute process ended (${signal ?? code})`, where });
}

/** What was thrown, as a process tells it to the one that started it. */
export function asFailure(error: unknown): StepFailure {
  const named = error instanceof TouchstoneError ? error : systemError(error);
  if (named !== undefined) return { type: named.type, problem: named.problem, message: named.message };
  const { message, stack } = withoutSecrets(error);
  if (/allocat|out of memory|OOM/i.test(message)) {
    const problem = { what: `Memory ran out: ${message}`, todo: "Give the worker fewer slots, or a larger machine." };
    return { type: "OutOfMemory", problem, message };
  }
  return { message, stack };
}

/** What a step in a compute process threw. */
export function asError({ type, problem, message, stack }: StepFailure): Error {
  if (type !== undefined && problem !== undefined) return new TouchstoneError(type, problem);
  const error = new Error(message);
  error.stack = stack;
  return error;
}

function withoutSecrets(error: unknown): { message: string; stack?: string } {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return { message: redacted(message), stack: stack && redacted(stack) };
}
