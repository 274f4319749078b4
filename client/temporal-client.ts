import { Client, Connection, ServiceError, WorkflowNotFoundError } from "@temporalio/client";
import { loadClientConnectConfig } from "@temporalio/envconfig";
import { TouchstoneError } from "../study/errors.js";

/** A client by Temporal's standard environment variables and profile. @throws TouchstoneError ServiceUnavailable */
export async function connectTemporal(): Promise<Client> {
  const { connectionOptions, namespace = "default" } = loadClientConnectConfig();
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: "10s" });
    return new Client({ connection, namespace });
  } catch (cause) {
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

/** @throws TouchstoneError UnknownStudy, or ServiceUnavailable, in place of Temporal's own errors */
export function translated(error: unknown, study: string): unknown {
  if (error instanceof WorkflowNotFoundError) {
    return new TouchstoneError(
      "UnknownStudy",
      { what: "There is no such study", where: study, todo: "`touchstone study list` lists them." },
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
