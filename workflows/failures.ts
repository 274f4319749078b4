import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isCancellation,
  TerminatedFailure,
  TimeoutFailure,
} from "@temporalio/workflow";
import { type ErrorType, internalError, isErrorType, TouchstoneError } from "../study/errors.js";
import type { FailureOrigin } from "../study/results.js";

export interface Failure extends FailureOrigin {
  type: ErrorType;
  /** For people. */
  message: string;
}

/** In an ApplicationFailure's details. */
export interface OriginDetails {
  origin: Partial<FailureOrigin>;
}

/** The failure at the root of an activity's or child's failure, and what the failures around it say of where it was. */
export function rootFailure(error: unknown): Failure {
  const chain = chainOf(error).reverse();
  const failure: Failure = { at: null, worker: null, log: [], ...named(chain[0]) };
  for (const each of chain) Object.assign(failure, originIn(each));
  return failure;
}

/**
 * Fails a workflow with the named failure itself, so that people see it without opening the causes.
 * @param at the step that failed
 */
export function asRootFailure(error: unknown, at?: string): ApplicationFailure {
  const { type, message, ...origin } = rootFailure(error);
  const details: [OriginDetails] = [{ origin: at === undefined ? origin : { ...origin, at } }];
  const cause = error instanceof Error ? error : undefined;
  return ApplicationFailure.create({ type, message, nonRetryable: true, details, cause });
}

/** Does part of a workflow, which fails as what failed in it. */
export async function orNamed(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw isCancellation(error) ? error : asRootFailure(error);
  }
}

function chainOf(error: unknown): unknown[] {
  return error instanceof Error && error.cause !== undefined ? [error, ...chainOf(error.cause)] : [error];
}

function named(root: unknown): Pick<Failure, "type" | "message"> {
  if (root instanceof CancelledFailure || root instanceof TerminatedFailure) {
    return { type: "Cancelled", message: root.message };
  }
  if (root instanceof TimeoutFailure) {
    return { type: "TimedOut", message: `The worker that had the step gave no sign of life (${root.message}).` };
  }
  if (root instanceof ApplicationFailure && isErrorType(root.type)) return { type: root.type, message: root.message };
  const { type, message } = root instanceof TouchstoneError ? root : internalError(root);
  return { type, message };
}

function originIn(error: unknown): Partial<FailureOrigin> {
  if (error instanceof ActivityFailure) return error.identity ? { worker: error.identity } : {};
  const details: unknown = error instanceof ApplicationFailure ? error.details?.[0] : undefined;
  return isOrigin(details) ? details.origin : {};
}

function isOrigin(details: unknown): details is OriginDetails {
  return typeof details === "object" && details !== null && "origin" in details;
}
