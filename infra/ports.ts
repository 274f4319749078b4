import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { homePath } from "../storage/home.js";
import { readJson, writeJson } from "./json-file.js";

/**
 * The ports each service listens on, and where they would be if nothing else were there: all below those that systems give
 * to outgoing connections (32,768 and up on Linux), which could be taken at any moment.
 */
const preferredPorts = {
  temporal: { grpc: 7233, ui: 8233, metrics: 9233 },
  seaweedfs: {
    s3: 8333,
    s3Grpc: 18333,
    master: 9333,
    masterGrpc: 19333,
    filer: 8888,
    filerGrpc: 18888,
    volume: 9340,
    volumeGrpc: 19340,
    admin: 23646,
    adminGrpc: 13646,
  },
} as const;

export type ServiceName = keyof typeof preferredPorts;
export type Ports<S extends ServiceName> = Record<keyof (typeof preferredPorts)[S], number>;

const rememberedSchema = z.partialRecord(z.enum(["temporal", "seaweedfs"]), z.record(z.string(), z.number()));

/** The ports that the service was given when it was started last; undefined when it never was. */
export async function rememberedPorts<S extends ServiceName>(service: S): Promise<Ports<S> | undefined> {
  const all = await readJson(homePath("services.json"), rememberedSchema);
  const ports = all?.[service];
  const complete = ports !== undefined && Object.keys(preferredPorts[service]).every((name) => name in ports);
  return complete ? (ports as Ports<S>) : undefined;
}

/**
 * Ports for a service about to be started: those it had before, unless others have taken them, so that workers find it again;
 * else the preferred ones or the next free ones above them. Remembered in `services.json`.
 * @param patienceSeconds a process that was just killed holds its ports for a moment
 */
export async function choosePorts<S extends ServiceName>(service: S, patienceSeconds = 5): Promise<Ports<S>> {
  const before: Record<string, number> | undefined = await rememberedPorts(service);
  if (before !== undefined) await untilFree(Object.values(before), patienceSeconds);
  const wanted = before ?? preferredPorts[service];
  const chosen: Record<string, number> = {};
  for (const [name, port] of Object.entries(wanted)) chosen[name] = await freePort(port, Object.values(chosen));
  const all = await readJson(homePath("services.json"), rememberedSchema);
  await writeJson(homePath("services.json"), { ...all, [service]: chosen });
  return chosen as Ports<S>;
}

async function untilFree(ports: readonly number[], seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  for (const port of ports) while (!(await isFree(port)) && performance.now() < deadline) await sleep(50);
}

async function freePort(from: number, taken: readonly number[]): Promise<number> {
  let port = from;
  while (taken.includes(port) || !(await isFree(port))) port = port === 65_535 ? 1024 : port + 1;
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
