import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { S3ServiceException } from "@aws-sdk/client-s3";
import { homePath } from "../storage/home.js";
import { TouchstoneError } from "../study/errors.js";
import { tryCommand } from "./commands.js";
import { compiler, compilerVersion, probeTensorFlow } from "./native-tensorflow.js";
import { clientFor, clientFromVariables, storeState } from "./object-store.js";
import { hasTexts, modelIsInstalled, modelPath } from "./quickstart-data.js";
import { seaweedEnvironment } from "./seaweedfs.js";
import { storeIsConfigured } from "./services.js";
import { hasWorker, namespaceState, type TaskKind, temporalService } from "./temporal.js";

/** One thing that studies need. */
export interface CheckResult {
  check: string;
  /** Whether every study needs it; the rest is for the set-up or the quickstart. */
  needed: boolean;
  ok: boolean;
  /** What was found. */
  detail: string;
  /** How to get what is missing; given where `ok` is false, or where something could be better. */
  todo?: string;
}

export interface DoctorOptions {
  /** The queue that a worker should be asking for workflow tasks. */
  taskQueue: string;
  /** The queues that workers should be asking for steps. */
  stepQueues: readonly string[];
}

type Finding = Omit<CheckResult, "check" | "needed">;

/** What only the set-up and the quickstart need. */
const NOT_NEEDED: ReadonlySet<string> = new Set([
  "python and pip",
  "C++ compiler",
  "quickstart model",
  "quickstart texts",
]);

/** The quickstart writes about 4. */
const FREE_GIGABYTES = 6;
const SET_UP = "Run `npm run quickstart`, which does the set-up.";
const START = "Run `touchstone up`.";

/** Looks at everything that a study needs; what can't be looked at is a finding too. Never rejects. */
export async function doctor({ taskQueue, stepQueues }: DoctorOptions): Promise<CheckResult[]> {
  const checks: Record<string, () => Promise<Finding> | Finding> = {
    node: checkNode,
    "python and pip": checkPython,
    "C++ compiler": checkCompiler,
    TensorFlow: checkTensorFlow,
    "disk space": checkDisk,
    temporal: checkTemporal,
    "object store": checkStore,
    worker: () => checkWorker(taskQueue, stepQueues),
    "quickstart model": async () => presence(await modelIsInstalled(), modelPath()),
    "quickstart texts": async () => presence(await hasTexts(), homePath("data")),
  };
  return Promise.all(
    Object.entries(checks).map(async ([check, look]) => {
      const needed = !NOT_NEEDED.has(check);
      try {
        return { check, needed, ...(await look()) };
      } catch (error) {
        const todo = error instanceof TouchstoneError ? error.problem.todo : undefined;
        return { check, needed, ok: false, detail: error instanceof Error ? error.message : String(error), todo };
      }
    }),
  );
}

function checkNode(): Finding {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 12);
  return { ok, detail: `Node ${process.versions.node}`, todo: ok ? undefined : "Install Node 20.12 or newer." };
}

async function checkPython(): Promise<Finding> {
  const python = await tryCommand("python3", ["-c", "import sys; print(*sys.version_info[:2], sep='.')"]);
  const pip = await tryCommand("python3", ["-m", "pip", "--version"]);
  const version = python?.stdout.trim() ?? "";
  const [major, minor] = version.split(".").map(Number);
  if (python?.code !== 0 || major !== 3 || minor < 10) {
    return { ok: false, detail: version || "there is no python3", todo: "Install Python 3.10 or newer, with pip." };
  }
  if (pip?.code !== 0)
    return { ok: false, detail: `Python ${version} without pip`, todo: "Install pip (python3-pip)." };
  return { ok: true, detail: `Python ${version}, ${pip.stdout.split(" from ")[0]}` };
}

async function checkCompiler(): Promise<Finding> {
  const version = await compilerVersion();
  if (version !== undefined) return { ok: true, detail: version };
  return {
    ok: false,
    detail: `${compiler().join(" ")} is not there`,
    todo: "Install g++ (or name another compiler in CXX); without one everything runs on WebAssembly, many times slower.",
  };
}

async function checkTensorFlow(): Promise<Finding> {
  const { ok, said } = await probeTensorFlow();
  if (!ok) return { ok, detail: said, todo: SET_UP };
  if (said.includes('"wasm"'))
    return { ok, detail: "WebAssembly, many times slower than the native library", todo: SET_UP };
  const gpus = await tryCommand("nvidia-smi", ["--list-gpus"]);
  if (said.includes('"native-gpu"')) return { ok, detail: "native, on the GPU" };
  if (gpus?.code !== 0) return { ok, detail: "native, on the CPU" };
  return {
    ok,
    detail: "native, on the CPU although there is a GPU",
    todo: "TensorFlow didn't find the CUDA 12 and cuDNN 9 libraries: put their folders in LD_LIBRARY_PATH.",
  };
}

async function checkDisk(): Promise<Finding> {
  let folder = homePath();
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = (bavail * bsize) / 1e9;
  const ok = free >= FREE_GIGABYTES;
  return {
    ok,
    detail: `${free.toFixed(1)} GB free at ${folder}`,
    todo: ok ? undefined : "Free some space: `touchstone study plan SPEC` says how much a study writes.",
  };
}

async function checkTemporal(): Promise<Finding> {
  const service = await temporalService();
  if (service === undefined) return { ok: false, detail: "it was never started", todo: START };
  const where = `${service.address}, namespace ${service.namespace}`;
  try {
    const { retentionDays, missingAttributes } = await namespaceState(service);
    if (missingAttributes.length > 0) {
      const todo = `Register them: temporal operator search-attribute create --name NAME --type Keyword (Int for TouchstoneDone and TouchstoneFailed).`;
      return { ok: false, detail: `${where} lacks the search attributes ${missingAttributes.join(", ")}`, todo };
    }
    if (retentionDays < 7) {
      const todo = `Keep closed workflows for longer: temporal operator namespace update --namespace ${service.namespace} --retention 7d.`;
      return { ok: false, detail: `${where} forgets closed workflows after ${retentionDays} days`, todo };
    }
    return { ok: true, detail: `${where}, keeps closed workflows ${retentionDays} days` };
  } catch (error) {
    const todo =
      service.origin === "local" ? START : "Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, keys and certificates.";
    return { ok: false, detail: `${where} does not answer: ${firstLine(error)}`, todo };
  }
}

async function checkStore(): Promise<Finding> {
  const local = await seaweedEnvironment();
  const configured = storeIsConfigured(local?.S3_ENDPOINT);
  if (!configured && local === undefined) return { ok: false, detail: "it was never started", todo: START };
  const client = configured || local === undefined ? clientFromVariables() : clientFor(local);
  const bucket = (configured ? process.env.TOUCHSTONE_BUCKET : undefined) ?? "touchstone";
  const where = `${configured ? (process.env.S3_ENDPOINT ?? "Amazon S3") : local?.S3_ENDPOINT}, bucket ${bucket}`;
  try {
    const { conditionalWrites } = await storeState(client, bucket);
    if (conditionalWrites) return { ok: true, detail: `${where}, writes under If-None-Match` };
    const todo =
      "Use a store that honours If-None-Match: * on writes; without it two workers could replace each other's results.";
    return { ok: false, detail: `${where} ignores If-None-Match`, todo };
  } catch (error) {
    return { ok: false, ...storeTrouble(where, error, configured) };
  } finally {
    client.destroy();
  }
}

function storeTrouble(where: string, error: unknown, configured: boolean): Pick<CheckResult, "detail" | "todo"> {
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  if (status === 403)
    return { detail: `${where} refuses the credentials`, todo: "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY." };
  if (status === 404)
    return { detail: `${where} does not exist`, todo: "Create it, or name another in TOUCHSTONE_BUCKET." };
  return {
    detail: `${where} does not answer: ${firstLine(error)}`,
    todo: configured ? "Check S3_ENDPOINT and the AWS variables." : START,
  };
}

async function checkWorker(taskQueue: string, stepQueues: readonly string[]): Promise<Finding> {
  const service = await temporalService();
  const unless = async (queue: string, kind: TaskKind) =>
    service !== undefined && (await hasWorker(service, queue, kind).catch(() => false)) ? [] : [queue];
  const looking = [unless(taskQueue, "workflow"), ...stepQueues.map((queue) => unless(queue, "activity"))];
  const missing = (await Promise.all(looking)).flat();
  if (missing.length === 0) return { ok: true, detail: `asks for work: ${[taskQueue, ...stepQueues].join(", ")}` };
  return {
    ok: false,
    detail: `nobody asks ${missing.join(" or ")} for work`,
    todo: "Run `touchstone worker`, or `touchstone up --worker` for one in the background.",
  };
}

function presence(ok: boolean, path: string): Finding {
  return ok ? { ok, detail: path } : { ok, detail: "not fetched yet; only the quickstart needs it", todo: SET_UP };
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0];
}
