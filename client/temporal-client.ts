import {
  Client,
  Connection,
  isGrpcServiceError,
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from "@temporalio/client";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import { TouchstoneError } from "../study/errors.js";
import { dataConverter } from "../workers/encryption.js";
import { rootFailure } from "../workflows/failures.js";

/** A client by Temporal's standard environment variables and profile. @throws TouchstoneError ServiceUnavailable */
export async function connectTemporal(): Promise<Client> {
  const { connectionOptions, namespace = "default" } = loadClientConnectConfig();
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: "10s" });
    return new Client({ connection, namespace, dataConverter: dataConverter() });
  } catch (cause) {
    if (cause instanceof TouchstoneError) throw cause;
    throw new TouchstoneError(
      "ServiceUnavailable",
      {
        what: "The Temporal server does not answer",
        where: connectionOptions.address ?? "127.0.0.1:7233",
        todo: "`touchstone status` tells whether it runs; `touchstone up` starts it.",
      },
      { cause },
    );
  }
}

/** TouchstoneError UnknownStudy, ServiceUnavailable, or what an update was refused with, in place of Temporal's own errors. */
export function translated(error: unknown, study: string): unknown {
  if (error instanceof WorkflowNotFoundError && /already completed/i.test(error.message)) {
    return new TouchstoneError(
      "UnknownStudy",
      { what: "The study has ended", where: study, todo: "Start it again: it goes on from what is done." },
      { cause: error },
    );
  }
  if (error instanceof WorkflowNotFoundError) return unknownStudy(study, error);
  if (error instanceof WorkflowUpdateFailedError) {
    const { type, message } = rootFailure(error.cause);
    return new TouchstoneError(type, { what: message, where: `study ${study}` }, { cause: error });
  }
  const answer = rpcStatus(error);
  if (answer === status.DEADLINE_EXCEEDED || answer === status.CANCELLED) {
    return new TouchstoneError(
      "ServiceUnavailable",
      {
        what: "No worker answers",
        where: study,
        todo: "Start one: `touchstone up --worker`, or `touchstone worker`. The study waits for it.",
      },
      { cause: error },
    );
  }
  if (answer === status.UNAVAILABLE) {
    return new TouchstoneError(
      "ServiceUnavailable",
      { what: "The Temporal server does not answer", where: study, todo: "`touchstone status` tells whether it runs." },
      { cause: error },
    );
  }
  if (error instanceof ServiceError) {
    return new TouchstoneError(
      "ServiceUnavailable",
      { what: `Temporal refuses: ${error.cause ?? error.message}`, where: study, todo: "Run `touchstone doctor`." },
      { cause: error },
    );
  }
  return error;
}

export function unknownStudy(study: string, cause?: Error): TouchstoneError {
  return new TouchstoneError(
    "UnknownStudy",
    { what: "There is no such study", where: study, todo: "`touchstone study list` lists them." },
    { cause },
  );
}

/** Codes of gRPC. */
const status = { CANCELLED: 1, DEADLINE_EXCEEDED: 4, UNAVAILABLE: 14 } as const;

/** undefined where it is no error of a call. */
function rpcStatus(error: unknown): number | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return isGrpcServiceError(cause) ? cause.code : undefined;
}
