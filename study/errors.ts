import { redacted } from "./secrets.js";

/** Every named failure. Names are stable: retry policies, scripts and the documentation refer to them. */
const errorTypes = [
  "InvalidStudySpec",
  "StudyNameTaken",
  "StudyIncomplete",
  "Cancelled",
  "UnknownStudy",
  "UnknownModel",
  "UnknownMethod",
  "UnknownTask",
  "UnknownDataset",
  "AccessDenied",
  "InvalidTask",
  "UnsupportedArchitecture",
  "InvalidModel",
  "InvalidData",
  "InvalidSettings",
  "TokenizerMismatch",
  "NotEnoughDocuments",
  "NumericalError",
  "ShapeMismatch",
  "CheckpointCorrupt",
  "ComputeCrashed",
  "OutOfMemory",
  "StorageUnavailable",
  "StorageDenied",
  "DiskFull",
  "ServiceUnavailable",
  "ResultTooLarge",
  "SetupIncomplete",
  "TimedOut",
  "InternalError",
] as const;

export type ErrorType = (typeof errorTypes)[number];

export function isErrorType(name: unknown): name is ErrorType {
  return errorTypes.some((type) => type === name);
}

/** Failures that another attempt can heal; all others are final. */
const RETRYABLE: ReadonlySet<ErrorType> = new Set([
  "CheckpointCorrupt",
  "ComputeCrashed",
  "OutOfMemory",
  "StorageUnavailable",
  "DiskFull",
  "ServiceUnavailable",
]);

export interface Problem {
  /** What was wrong, in one sentence. */
  what: string;
  /** Where: a file, a key of the specification, a tensor, a service. */
  where?: string;
  /** What to do about it. */
  todo?: string;
}

/** A failure a person can act on: what was wrong, where, and what to do; without credentials, wherever its texts are from. */
export class TouchstoneError extends Error {
  readonly retryable: boolean;
  readonly problem: Problem;

  constructor(
    readonly type: ErrorType,
    problem: Problem,
    options?: { cause?: unknown },
  ) {
    const { what, where, todo } = problem;
    const hidden = (text: string | undefined) => (text === undefined ? undefined : redacted(text));
    const shown = { what: redacted(what), where: hidden(where), todo: hidden(todo) };
    super(describeProblem(shown), options);
    this.problem = shown;
    this.name = type;
    this.retryable = RETRYABLE.has(type);
  }
}

/**
 * The same failure with a wider place after its own, as only the caller knows it: the cell, the calibration set. Other failures
 * than numerical ones say all that helps, and stay as they are.
 */
export function withPlace(error: unknown, place: string): unknown {
  if (!(error instanceof TouchstoneError) || error.type !== "NumericalError") return error;
  const { where } = error.problem;
  const problem = { ...error.problem, where: where === undefined ? place : `${where}, ${place}` };
  return new TouchstoneError(error.type, problem, { cause: error });
}

/** What has no name of its own is a mistake of the program. */
export function internalError(cause: unknown): TouchstoneError {
  return new TouchstoneError(
    "InternalError",
    { what: `The program made a mistake: ${cause}`, todo: "Please report it, with the worker's log." },
    { cause },
  );
}

function describeProblem({ what, where, todo }: Problem): string {
  const place = where === undefined ? "" : ` (${where})`;
  const advice = todo === undefined ? "" : ` ${todo}`;
  return `${what.replace(/\.$/, "")}${place}.${advice}`;
}
