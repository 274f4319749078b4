import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { WorkerStatus } from "@temporalio/worker";
import { TouchstoneError } from "../study/errors.js";

/** What of a Temporal worker tells whether it works. */
export type PollState = Pick<WorkerStatus, "runState" | "workflowPollerState" | "activityPollerState">;

export interface HealthSource {
  workers: () => readonly PollState[];
  /** Asks the Temporal server something small. */
  reachServer: () => Promise<unknown>;
}

export interface Health {
  port: number;
  close(): void;
}

/**
 * Answers probes. `/live`: this process's event loop turns, heartbeats with it, and none of its pollers has failed; a server
 * that is away is no reason to end a worker, which waits for it with its work in hand. `/ready`: besides, it asks for work and
 * the server answers. 503 where that isn't so. A hung compute process is the pool's affair, which ends it.
 * @param address `host:port`; port 0 is any that is free
 * @throws TouchstoneError InvalidSettings where nothing can listen at the address
 */
export async function serveHealth(address: string, source: HealthSource): Promise<Health> {
  const isLive = async () => !source.workers().some(hasFailed);
  const asksForWork = () => source.workers().every(({ runState }) => runState === "RUNNING");
  const reachesServer = () =>
    source.reachServer().then(
      () => true,
      () => false,
    );
  const checks: Record<string, () => Promise<boolean>> = {
    "/live": isLive,
    "/ready": async () => (await isLive()) && asksForWork() && (await reachesServer()),
  };
  const server = createServer(async ({ url = "" }, response) => {
    const check = checks[url];
    response.statusCode = check === undefined ? 404 : (await check()) ? 200 : 503;
    response.end(JSON.stringify(source.workers()));
  });
  const { hostname, port } = new URL(`http://${address}`);
  server.listen(Number(port || 80), hostname.replace(/^\[|\]$/g, ""));
  await once(server, "listening").catch((cause: unknown) => {
    const what = `Probes can't be answered: ${cause instanceof Error ? cause.message : cause}`;
    const todo = "Give `--health` another address; each worker of a machine needs a port of its own.";
    throw new TouchstoneError("InvalidSettings", { what, where: address, todo }, { cause });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function hasFailed({ runState, workflowPollerState, activityPollerState }: PollState): boolean {
  return [runState, workflowPollerState, activityPollerState].includes("FAILED");
}
