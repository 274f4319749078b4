import { resolve } from "node:path";
import { stringify } from "yaml";
import { isManual, type KnownDataset, type ManualDataset, ofSplit, recordFilesOf, splitFiles } from "../hub/dataset.js";
import { type FetchedDataset, fetchDataset } from "../hub/fetch-dataset.js";
import { type DataFolder, openDataFolder } from "../hub/folder.js";
import { hubFromEnvironment } from "../hub/hub.js";
import type { Wanted } from "../hub/wanted.js";
import { withLock } from "../infra/lock.js";
import { createProgress } from "../infra/progress.js";
import { isS3 } from "../storage/files.js";
import { sha256 } from "../storage/identity.js";
import { TouchstoneError } from "../study/errors.js";

export interface FetchReport {
  out: string;
  datasets: {
    name: string;
    dataset: string;
    config: string;
    split: string;
    revision: string;
    licence: string;
    /** Bytes that came from the hub in this run. */
    downloaded: number;
    files: { path: string; size: number; sha256: string }[];
  }[];
  /** The fetched sources as a specification's `sources`, YAML. */
  sources: string;
  /** Set where data sets that only their owners give are missing; all others were fetched. */
  failure?: TouchstoneError;
}

/**
 * Data sets into a folder or bucket, one after another; two runs for one folder take turns.
 * @throws TouchstoneError as `fetchDataset`; InvalidSettings for a wrong `HF_` variable
 */
export async function fetchData(known: readonly KnownDataset[], out: string, wanted: Wanted): Promise<FetchReport> {
  const place = isS3(out) ? out : resolve(out);
  const folder = openDataFolder(place);
  const progress = createProgress();
  const hub = await hubFromEnvironment(process.env, { onWait: (line) => progress.note(`    ${line}`) });
  return withLock(`data-${sha256(place).slice(0, 16)}`, async () => {
    const fetched: FetchedDataset[] = [];
    for (const one of known) {
      if (isManual(one)) continue;
      const dataset = ofSplit(one, wanted.split ?? one.split);
      const title = `${dataset.name} (${dataset.dataset})`;
      fetched.push(await progress.step(title, (report) => fetchDataset(dataset, folder, hub, wanted, report)));
    }
    const missing: ManualDataset[] = [];
    for (const dataset of known.filter(isManual)) if (!(await hasRecords(folder, dataset))) missing.push(dataset);
    const report: FetchReport = { out: place, datasets: fetched.map(summaryOf), sources: sourcesOf(fetched, folder) };
    return missing.length === 0 ? report : { ...report, failure: onRequest(missing, place) };
  });
}

function summaryOf({ dataset: { name }, entry, downloaded }: FetchedDataset): FetchReport["datasets"][number] {
  const { outputs, available: _, ...from } = entry;
  return { name, ...from, downloaded, files: outputs.map(({ path, size, sha256 }) => ({ path, size, sha256 })) };
}

function sourcesOf(fetched: readonly FetchedDataset[], folder: DataFolder): string {
  const sources = fetched
    .filter(({ dataset }) => dataset.kind === "source")
    .map(({ dataset: one, entry: { dataset, config, split, revision } }) => ({
      ...{ id: one.name, path: folder.uri(`${one.name}/${splitFiles(one)}`), field: one.field },
      ...{ dataset, config, split, revision },
    }));
  return sources.length === 0 ? "" : stringify({ sources });
}

async function hasRecords(folder: DataFolder, dataset: ManualDataset): Promise<boolean> {
  for (const file of recordFilesOf(dataset)) if ((await folder.size(file)) !== undefined) return true;
  return false;
}

function onRequest(missing: readonly ManualDataset[], where: string): TouchstoneError {
  const names = missing.map(({ name }) => name).join(", ");
  return new TouchstoneError("AccessDenied", {
    what: `${names} can't be fetched: only its owners give it, to those who ask`,
    where,
    todo: missing.map(({ page, todo }) => `${page}: ${todo}`).join(" "),
  });
}
