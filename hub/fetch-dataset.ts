import { rm, stat } from "node:fs/promises";
import { extname } from "node:path";
import { TouchstoneError } from "../study/errors.js";
import { checksums } from "./checksum.js";
import type { HubDataset } from "./dataset.js";
import { downloadFile } from "./download.js";
import { type DataFolder, stagedSize } from "./folder.js";
import type { Hub } from "./hub.js";
import { type HubFile, listSplit, resolveRevision } from "./listing.js";
import type { Entry, Output } from "./manifest.js";
import { combine, type Planned, plannedOutputs } from "./outputs.js";
import { keepRevision, requireNoRival, takeShards, type Wanted } from "./wanted.js";

export interface FetchedDataset {
  dataset: HubDataset;
  /** As the folder's manifest has it: also files that an earlier run fetched. */
  entry: Entry;
  /** Bytes that came from the hub in this run. */
  downloaded: number;
}

/**
 * A data set's files into `folder`, each checked against the hub's checksum; what is there already is not fetched again. The
 * commit is pinned in the folder's manifest at the first run.
 * @throws TouchstoneError AccessDenied, ServiceUnavailable, DiskFull; InvalidData: not on the hub, another file than listed, a
 *   folder with other files or another revision, nothing there while offline
 */
export async function fetchDataset(
  dataset: HubDataset,
  folder: DataFolder,
  hub: Hub,
  wanted: Wanted,
  report: (done: number, total: number) => void,
): Promise<FetchedDataset> {
  const before = (await folder.manifest()).datasets[dataset.name];
  const kept = await keptOutputs(folder, before);
  if (before !== undefined && isEnough(dataset, before, kept, wanted, hub))
    return { dataset, entry: before, downloaded: 0 };
  if (hub.offline) throw nothingThere(dataset, folder);

  const asked = wanted.revision ?? before?.revision ?? dataset.revision;
  const revision = await resolveRevision(hub, dataset.dataset, asked);
  keepRevision(dataset, before, revision, wanted, folder);
  const files = await listSplit(hub, dataset, revision);
  const planned = plannedOutputs(dataset, takeShards(dataset, files, wanted));
  for (const { path } of planned) await requireNoRival(dataset, folder, path);

  const earlier = before?.revision === revision ? kept : [];
  const { dataset: id, config, split, licence } = dataset;
  const entry: Entry = { dataset: id, config, split, revision, licence, available: files.length, outputs: earlier };
  const todo = planned.filter(({ path }) => !earlier.some((output) => output.path === path));
  const total = todo.flatMap(({ from }) => from).reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  let downloaded = 0;
  await requireSpace(folder, todo);
  await record(folder, dataset, entry);
  for (const output of todo) {
    const made = await make(output, {
      dataset,
      folder,
      hub,
      revision,
      wanted,
      report: (bytes) => report(done + bytes, total),
    });
    downloaded += made.downloaded;
    done += output.from.reduce((sum, { size }) => sum + size, 0);
    entry.outputs = [...entry.outputs, made.output].sort((a, b) => (a.path < b.path ? -1 : 1));
    await record(folder, dataset, entry);
  }
  const stale = before?.outputs.filter(({ path }) => !entry.outputs.some((output) => output.path === path)) ?? [];
  if (before?.revision !== revision) for (const { path } of stale) await folder.remove(path);
  await folder.tidy();
  return { dataset, entry, downloaded };
}

interface Making {
  dataset: HubDataset;
  folder: DataFolder;
  hub: Hub;
  revision: string;
  wanted: Wanted;
  report: (bytes: number) => void;
}

/** One file of the folder: found there if it is the hub's (a run may have ended before it could note it), else downloaded. */
async function make(planned: Planned, making: Making): Promise<{ output: Output; downloaded: number }> {
  const { path, from } = planned;
  const { dataset, folder, hub, revision, wanted } = making;
  const size = await folder.size(path);
  if (size !== undefined) {
    const found = planned.combine ? undefined : await folder.checksums(path, from[0].checksum);
    if (found?.checksum === from[0].checksum)
      return { output: { path, size, sha256: found.sha256, from }, downloaded: 0 };
    if (!wanted.force) throw otherFile(folder.uri(path));
  }
  const parts: string[] = [];
  let before = 0;
  let downloaded = 0;
  let sha256 = "";
  for (const file of from) {
    const partial = stagingOf(folder, file);
    const had = await stagedSize(partial);
    const report = (bytes: number) => making.report(before + bytes);
    sha256 = await downloadFile(hub, dataset.dataset, revision, file, partial, report);
    before += file.size;
    downloaded += Math.max(0, file.size - had);
    parts.push(partial);
  }
  let whole = parts[0];
  if (planned.combine !== undefined) {
    whole = folder.staging(path);
    await combine(planned.combine, parts, dataset.field ?? "", whole);
    sha256 = (await checksums(whole, "sha256:")).sha256;
    for (const part of parts) await rm(part);
  }
  const output = { path, size: (await stat(whole)).size, sha256, from };
  await folder.place(whole, path);
  return { output, downloaded };
}

/** By the content, so that a partial file is never gone on with as another one; with the ending, by which rows are read. */
function stagingOf(folder: DataFolder, { path, checksum }: HubFile): string {
  return folder.staging(`${checksum.replace(":", "-").slice(0, 47)}${extname(path)}`);
}

/** Those of an earlier run that are still there, unaltered. */
async function keptOutputs(folder: DataFolder, entry: Entry | undefined): Promise<Output[]> {
  const kept: Output[] = [];
  for (const output of entry?.outputs ?? []) {
    if ((await folder.size(output.path)) !== output.size) continue;
    const found = await folder.checksums(output.path, "sha256:");
    if (found === undefined || found.sha256 === output.sha256) kept.push(output);
  }
  return kept;
}

/** Whether nothing need be asked of the hub. */
function isEnough(dataset: HubDataset, entry: Entry, kept: Output[], wanted: Wanted, hub: Hub): boolean {
  if (kept.length < entry.outputs.length || kept.length === 0) return false;
  if (wanted.revision !== undefined && wanted.revision !== entry.revision) return false;
  if (dataset.kind !== "source") return true;
  if (wanted.bytes !== undefined) return hub.offline;
  return kept.length >= Math.min(wanted.shards ?? dataset.shards ?? Number.POSITIVE_INFINITY, entry.available);
}

async function requireSpace(folder: DataFolder, planned: readonly Planned[]): Promise<void> {
  const missing = planned
    .flatMap(({ from }) => from)
    .map(async (file) => {
      return Math.max(0, file.size - (await stagedSize(stagingOf(folder, file))));
    });
  await folder.requireSpace(await Promise.all(missing));
}

async function record(folder: DataFolder, { name }: HubDataset, entry: Entry): Promise<void> {
  const manifest = await folder.manifest();
  await folder.writeManifest({ ...manifest, datasets: { ...manifest.datasets, [name]: entry } });
}

function nothingThere({ name }: HubDataset, folder: DataFolder): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: `${name} is not there, or not all of it, and HF_HUB_OFFLINE forbids to ask the hub`,
    where: folder.uri(""),
    todo: "Unset HF_HUB_OFFLINE, or copy the folder from a machine where it was fetched, with touchstone-data.json.",
  });
}

function otherFile(where: string): TouchstoneError {
  return new TouchstoneError("InvalidData", {
    what: "Another file lies where the hub's should go, or this one was altered",
    where,
    todo: "Move it away, take another folder, or say --force to replace it.",
  });
}
