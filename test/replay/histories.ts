import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Client } from "@temporalio/client";
import proto from "@temporalio/proto";
import { checkoutFolder } from "../../storage/home.js";

const { History } = proto.temporal.api.history.v1;
type Message = proto.temporal.api.history.v1.History;

export interface RecordedHistory {
  workflowId: string;
  type: string;
  /** How it ended. */
  status: string;
  history: Message;
}

/**
 * One file a study of `test/system/workflows.test.ts`, one line an execution; compressed, since histories say all many times. `current` is
 * what is recorded anew; `before X` what was recorded before the patch of that name, until its old way is removed.
 */
const folder = join(checkoutFolder, "test", "replay", "histories");
const current = join(folder, "current");
const EXTENSION = ".jsonl.gz";

/**
 * Writes histories of the studies that the server knows, in place of those that were recorded before: of each study and
 * workflow type, one of each way to end.
 */
export async function recordHistories(client: Client): Promise<void> {
  const recorded = new Map<string, RecordedHistory[]>();
  for await (const { workflowId, runId, type, status } of client.workflow.list()) {
    const [, study] = workflowId.split("/");
    const ofStudy = recorded.get(study) ?? [];
    recorded.set(study, ofStudy);
    const isLike = (other: RecordedHistory) => other.type === type && other.status === status.name;
    if (status.name === "RUNNING" || ofStudy.some(isLike)) continue;
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    ofStudy.push({ workflowId, type, status: status.name, history: History.fromObject(history) });
  }
  await rm(current, { recursive: true, force: true });
  await mkdir(current, { recursive: true });
  for (const [study, histories] of recorded)
    await writeFile(join(current, study + EXTENSION), gzipSync(histories.map((each) => `${asLine(each)}\n`).join("")));
}

/** The recorded histories, by folder and study. */
export async function readHistories(): Promise<Map<string, RecordedHistory[]>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(EXTENSION)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name.slice(0, -EXTENSION.length), await read(name)] as const)),
  );
}

async function read(name: string): Promise<RecordedHistory[]> {
  const text = gunzipSync(await readFile(join(folder, name))).toString();
  return text.trimEnd().split("\n").map(ofLine);
}

export function ofLine(line: string): RecordedHistory {
  const { history, ...rest } = JSON.parse(line) as RecordedHistory;
  return { ...rest, history: History.fromObject(history) };
}

export function asLine({ history, ...rest }: RecordedHistory): string {
  const plain = History.toObject(history, { longs: String, enums: String, bytes: String });
  return JSON.stringify({ ...rest, history: plain }, (key, value) => withoutMachine(key, value));
}

/** Who did what and from which file is of the machine that recorded, and means nothing to a replay. */
function withoutMachine(key: string, value: unknown): unknown {
  if (key === "stackTrace") return "";
  return typeof value === "string" ? value.replace(/^\d+@.+/, "recorder") : value;
}
