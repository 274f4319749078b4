import { createServer } from "node:net";
import { z } from "zod";
import { homePath } from "./home.js";
import { readJson, writeJson } from "./json-file.js";

/** The ports each service listens on, and where they would be if nothing else were there. */
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
    adminGrpc: 33646,
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
 * Ports for a service about to be started: those it had before, as long as they are free, so that addresses stay the
 * same; else the preferred ones or the next free ones above them. Remembered in `services.json`.
 */
export async function choosePorts<S extends ServiceName>(service: S): Promise<Ports<S>> {
  const wanted: Record<string, number> = (await rememberedPorts(service)) ?? preferredPorts[service];
  const chosen: Record<string, number> = {};
  for (const [name, port] of Object.entries(wanted)) chosen[name] = await freePort(port, Object.values(chosen));
  const all = await readJson(homePath("services.json"), rememberedSchema);
  await writeJson(homePath("services.json"), { ...all, [service]: chosen });
  return chosen as Ports<S>;
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
